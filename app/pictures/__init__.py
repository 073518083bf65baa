"""Forecasts, backtests and trainings as pictures, for reports and chat: SVG by hand, PNG made from it."""

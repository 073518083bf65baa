"""Intervals and sample paths."""

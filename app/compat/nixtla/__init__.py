"""The protocol of TimeGPT, as the Python package `nixtla` speaks it: one part of it a file."""

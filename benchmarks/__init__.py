"""Timings as ratios to a floor measured in the same run; run each with `python -m benchmarks.NAME`."""

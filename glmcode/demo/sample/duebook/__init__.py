"""Knows which bills fall due, and when."""

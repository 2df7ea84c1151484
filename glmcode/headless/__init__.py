"""Runs without a screen: one turn, records on standard output, artifacts in a folder."""

"""Runs a repository's own tests and reads what came out of them, for the model and for the harness's verdict."""

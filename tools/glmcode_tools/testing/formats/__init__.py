"""The forms in which test runners report: one module each, from their bytes to test cases."""

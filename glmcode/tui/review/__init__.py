"""The review of changes hunk by hunk, on a screen."""

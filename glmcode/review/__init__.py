"""The review of changes by the person who asked for them, hunk by hunk."""

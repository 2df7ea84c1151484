"""What is shown before the first message."""

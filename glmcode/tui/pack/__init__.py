"""What of the repository is in the prompt and why, on a screen."""

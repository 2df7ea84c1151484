"""The time machine, on a screen."""

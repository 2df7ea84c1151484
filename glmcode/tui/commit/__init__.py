"""A commit of what the session changed, on a screen."""

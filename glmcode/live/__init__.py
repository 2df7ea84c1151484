"""A session that a person works in: what the terminal interface and editors drive."""

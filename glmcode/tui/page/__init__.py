"""A page to read over the conversation."""

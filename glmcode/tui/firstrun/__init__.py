"""Short screens that say what is missing and do it."""

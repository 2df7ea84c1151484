"""What people can do with a slash: one table, and its handlers by what they work on."""

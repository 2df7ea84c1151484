"""What the agent loop is made of: asking, calling, watching, compacting, steering, and the turn in numbers."""

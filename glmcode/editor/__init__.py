"""What editors are given: problem lines, and the tasks of VS Code."""

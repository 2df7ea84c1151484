"""The faces inside editors: problem lines, tasks of VS Code, and the Agent Client Protocol."""

"""A real VS Code in a real browser, for the tests marked vscode."""

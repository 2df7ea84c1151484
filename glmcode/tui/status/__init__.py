"""The status line below the prompt, and the line above it that says what a running turn does."""

"""Where commands run: containers, bubblewrap, workspaces, and the cleaning of what comes back."""

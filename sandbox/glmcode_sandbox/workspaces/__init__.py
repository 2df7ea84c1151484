"""The workspaces behind one protocol: git trees, copy-on-write layers, and the ways changes are applied."""

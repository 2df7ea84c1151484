"""The repository seen through git without running anything of it: trees, commits, what is watched and protected."""

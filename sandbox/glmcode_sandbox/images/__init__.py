"""How sandbox images come about: builds, devcontainer.json, and layers with what a repository's tests need."""

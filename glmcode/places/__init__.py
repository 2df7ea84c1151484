"""Where the commands of a session run: images, layers, and sandboxes that start while the model thinks."""

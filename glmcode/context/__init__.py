"""What of the repository the model is sent before it asks: files chosen, ranked and fitted to a budget."""

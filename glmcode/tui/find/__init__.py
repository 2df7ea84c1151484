"""The bar that searches the conversation."""

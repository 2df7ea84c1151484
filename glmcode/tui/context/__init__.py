"""What fills the model's window and what its cache saves, on a screen."""

"""The model that the settings ask for: engines, the server on this machine, and what is known of the window."""

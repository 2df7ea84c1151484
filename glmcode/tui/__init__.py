"""The terminal interface: a Textual application over the same agent and events as the headless run."""

"""The panel of questions beside the conversation."""

"""The prompt: the box people type into, what completes there, its history and drafts, and the queue above it."""

"""The long-lived shell of a sandbox: its channel, its lanes, what commands write, and background jobs."""

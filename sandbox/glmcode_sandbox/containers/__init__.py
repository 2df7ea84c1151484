"""What Docker is asked for: the daemon, the container of a session, and a channel into it."""

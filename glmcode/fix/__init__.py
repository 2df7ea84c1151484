"""The verdict on a fix: test runs before and after, in places the agent never touched."""

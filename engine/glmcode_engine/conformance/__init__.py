"""Tests whether an endpoint does what an agent needs of it: a few cheap requests, and a verdict on each point."""

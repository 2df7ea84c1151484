"""The agent for GLM-4.6 and its faces."""

__version__ = "0.1.0"

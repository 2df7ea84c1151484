"""The error of settings that are wrong; apart from the settings, whose import takes a while."""


class ConfigError(Exception):
    """A setting is wrong; the text names where it was set and what it takes."""

"""Stands in for torchvision, which a text model imports and never calls."""

from typing import Any, NoReturn

__version__ = "0.28.0"


class Absent:
    """Whatever is imported by name; an error when it is used."""

    def __init__(self, *_args: object, **_options: object) -> NoReturn:
        raise RuntimeError("torchvision is only a stand-in here")


def absent(name: str) -> Any:
    """For modules: any public name can be imported."""
    if name.startswith("__"):
        raise AttributeError(name)
    return Absent

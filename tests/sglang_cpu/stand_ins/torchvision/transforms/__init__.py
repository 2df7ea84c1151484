"""Stands in for torchvision.transforms."""

import enum

import torchvision

__getattr__ = torchvision.absent


class InterpolationMode(enum.Enum):
    """Read while modules of vision models are imported."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"

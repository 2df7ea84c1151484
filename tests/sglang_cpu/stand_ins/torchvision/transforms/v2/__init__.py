"""Stands in for torchvision.transforms.v2."""

import torchvision

__getattr__ = torchvision.absent

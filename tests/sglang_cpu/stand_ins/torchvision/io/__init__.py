"""Stands in for torchvision.io."""

import torchvision

__getattr__ = torchvision.absent

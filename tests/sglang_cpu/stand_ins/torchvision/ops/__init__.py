"""Stands in for torchvision.ops."""

import torchvision

__getattr__ = torchvision.absent

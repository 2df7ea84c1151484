"""Stands in for torchvision.transforms.functional."""

import torchvision

__getattr__ = torchvision.absent

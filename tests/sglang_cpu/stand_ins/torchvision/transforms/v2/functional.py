"""Stands in for torchvision.transforms.v2.functional."""

import torchvision

__getattr__ = torchvision.absent

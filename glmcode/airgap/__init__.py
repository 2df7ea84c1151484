"""One archive that brings glmcode to a machine without a network: packed, installed, and proved there."""

"""Completion scripts, one module a shell, written from the tree of an argparse parser."""

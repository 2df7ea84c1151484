"""The faces inside editors."""

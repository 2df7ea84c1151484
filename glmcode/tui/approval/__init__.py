"""Asking the person about calls that want to leave the policy."""

"""Accuracy by the protocols of the literature; see `__main__` for the command."""

"""What a network is shown of a series."""

"""What data are: series on their time axes, and panels of them."""

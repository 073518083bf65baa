"""What is fixed before a training, and why."""

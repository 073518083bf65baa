"""From a panel to a checkpoint."""

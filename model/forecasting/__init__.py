"""From a checkpoint to forecasts."""

"""What forecasts and data are worth."""

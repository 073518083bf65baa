"""What stands between a connection and a route: limits, keys, compression, problems."""

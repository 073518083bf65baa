"""What the service keeps, in its database and its folders."""

"""What keeps a flow bounded far past the time that it was trained for."""

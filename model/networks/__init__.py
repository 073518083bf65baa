"""What a forecast is made of: the network, the line, precedents, and the anchor."""

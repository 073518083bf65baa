"""What each part of the network is good for: it is changed or left out, and everything else stays."""

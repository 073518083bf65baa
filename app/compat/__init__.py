"""Foreign protocols, translated to ours and back: no behaviour of their own."""

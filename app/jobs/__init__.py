"""Work that a worker does: what it is, where it waits, what becomes of it."""

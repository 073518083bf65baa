"""One file per resource: parse, call one use case, answer."""

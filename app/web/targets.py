"""The path that a request is for, where its target has the host before it."""


def path_of(target: str) -> str:
    """A target without scheme and host, which some proxies send, too (RFC 9112, 3.2.2)."""
    if not target.lower().startswith(("http://", "https://")):
        return target
    # What follows `//` up to the next slash is the host.
    return "/" + target.partition("://")[2].partition("/")[2]

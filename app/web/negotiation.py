"""What a caller prefers of what is offered: Accept and Accept-Encoding, by their quality values (RFC 9110, 12.5)."""

import re
from collections.abc import Sequence
from typing import Final

_QUALITY: Final = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
_MAX_RANGES: Final = 100


def preferred(header: str, offered: Sequence[str]) -> str | None:
    """The offer that a header gives the highest quality, the earlier one of equals; None if it takes none of them.

    What cannot be read counts as not written. An encoding of `identity` is taken unless it is excluded by name or `*`.

    Args:
        header: The value of Accept or Accept-Encoding.
        offered: Media types or encodings, the one to be preferred first.
    """
    ranges = dict(_read(one) for one in header.split(",")[:_MAX_RANGES])
    qualities = [_quality(one, ranges) for one in offered]
    best = max(qualities, default=0.0)
    return offered[qualities.index(best)] if best > 0 else None


def _quality(offer: str, ranges: dict[str, float]) -> float:
    """The quality of the most specific range that an offer is in."""
    kind = offer.partition("/")[0]
    for one in (offer, f"{kind}/*", "*/*" if "/" in offer else "*"):
        if one in ranges:
            return ranges[one]
    return 0.001 if offer == "identity" else 0.0


def _read(text: str) -> tuple[str, float]:
    name, *parameters = (one.strip().lower() for one in text.split(";"))
    found = next((one[2:].strip() for one in parameters if one.startswith("q=")), "1")
    return (name, float(found)) if _QUALITY.fullmatch(found) else ("", 0.0)

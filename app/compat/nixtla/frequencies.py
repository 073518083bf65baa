"""Frequencies as older pandas and polars write them, and which of them are the same step."""

import re
from typing import Final

import pandas as pd

from model import is_count

INTEGER_TIMES: Final = "MS"
"""What the package says where timestamps are whole numbers; it counts on from them by itself."""

_ALIAS: Final = re.compile(r"(?P<count>-?\d*)(?P<letters>[A-Za-z]+)(?P<anchor>-[A-Za-z]{3})?")
_TODAY: Final = {
    "H": "h", "T": "min", "S": "s", "L": "ms", "U": "us", "M": "ME", "BM": "BME",
    "Q": "QE", "BQ": "BQE", "A": "YE", "Y": "YE", "BA": "BYE", "BY": "BYE", "AS": "YS", "BAS": "BYS",
    "d": "D", "w": "W", "m": "min", "q": "QS", "y": "YS",
}  # fmt: skip
"""What pandas 2 calls it, or polars in small letters, and what pandas 3 does."""


def modern(freq: str) -> str:
    """The alias that pandas has today for one of an earlier release or of polars; any other is left as it is."""
    found = _ALIAS.fullmatch(freq)
    if found is None or found["letters"] not in _TODAY:
        return freq
    return f"{found['count']}{_TODAY[found['letters']]}{found['anchor'] or ''}"


def are_same_step(one: str, other: str) -> bool:
    """Whether two aliases are steps of the same length, wherever their periods begin or end."""
    return one == other or (not is_count(other) and _step(one) == _step(other))


def _step(freq: str) -> object:
    offset = pd.tseries.frequencies.to_offset(freq)
    if isinstance(offset, pd.offsets.Tick):
        return offset.nanos
    return offset.n, _ALIAS.sub(lambda found: found["letters"].rstrip("SE"), offset.rule_code)

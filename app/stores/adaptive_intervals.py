"""Intervals that learn from what came true: how far each is moved by what it covered lately.

Gibbs, Candès, "Adaptive Conformal Inference Under Distribution Shift", NeurIPS 2021, a step a day: an interval that is
to miss the share α is asked at α + γ Σ (α − the share it missed that day), γ being the rate. The sums of a version by
day are the whole state, so every server of a database serves the same, and what was done can be told afterwards.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from app.stores.database import Database, now
from app.stores.tables import RealisedRow

_FULL_DAY: Final = 100
"""Observations from which on a day counts in full; one with fewer counts for as much less."""

_LEAST_MISS, _MOST_MISS = 0.002, 0.998
_FRESH_SECONDS: Final = 10.0

_NOTHING: Final[Mapping[float, float]] = {}


class AdaptiveIntervals:
    """At which level each interval of a version is served.

    Args:
        database: Where the sums are.
        rate: γ; 0 leaves every interval as it is.
        window_days: How many days count.
    """

    def __init__(self, database: Database, *, rate: float, window_days: int) -> None:
        self._database = database
        self._rate = rate
        self._window_days = window_days
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int], tuple[float, Mapping[float, float]]] = {}

    def of(self, name: str, number: int) -> Mapping[float, float]:
        """The level, in percent, at which each interval is served that is not served at its own; some seconds old."""
        if not self._rate:
            return _NOTHING
        with self._lock:
            read_at, found = self._known.get((name, number), (-_FRESH_SECONDS, _NOTHING))
        if time.monotonic() - read_at >= _FRESH_SECONDS:
            found = self._read(name, number)
            with self._lock:
                self._known[name, number] = time.monotonic(), found
        return found

    def served(self, name: str, number: int, levels: Sequence[float]) -> tuple[float, ...]:
        """The quantile levels to compute in place of these, which ascend, as do they."""
        moved = self.of(name, number)
        if not moved:
            return tuple(levels)
        found = [_moved(level, moved) for level in levels]
        return tuple(max(found[: place + 1]) for place in range(len(found)))

    def _read(self, name: str, number: int) -> Mapping[float, float]:
        since = now().date() - timedelta(days=self._window_days - 1)
        row = RealisedRow
        query = sa.select(row.level, row.num_scored, row.num_covered).where(
            row.model_name == name, row.number == number, row.kind == "interval", row.day >= since, row.num_scored > 0
        )
        steps: dict[float, float] = {}
        with self._database.reading() as session:
            for level, scored, covered in session.execute(query):
                excess = covered / scored - level / 100
                steps[level] = steps.get(level, 0.0) + excess * min(1.0, scored / _FULL_DAY)
        return {level: self._level(level, step) for level, step in sorted(steps.items()) if step}

    def _level(self, level: float, step: float) -> float:
        miss = min(_MOST_MISS, max(_LEAST_MISS, 1 - level / 100 + self._rate * step))
        return round(100 * (1 - miss), 6)


def _moved(quantile_level: float, moved: Mapping[float, float]) -> float:
    """Where the end of an interval lies now; other quantiles stay."""
    below = min(quantile_level, 1 - quantile_level)
    interval = round(100 * (1 - 2 * below), 8)
    if interval not in moved:
        return quantile_level
    tail = (100 - moved[interval]) / 200
    return round(tail if quantile_level < 0.5 else 1 - tail, 8)

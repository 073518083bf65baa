"""What a picture shows, without saying how it is drawn: lines, bands and dots in frames with titles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Ink = Literal["ink", "accent", "muted", "second", "bad"]
Kind = Literal["time", "count"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Line:
    """Values joined by a line, which breaks where one is not finite.

    Attributes:
        name: What the legend calls it.
        x: Ascending.
        y: As many.
        ink: Its color.
        width: In pixels.
        is_dashed: Whether it is dashed.
        has_dots: Whether each value is a dot, without a line.
    """

    name: str
    x: Floats
    y: Floats
    ink: Ink
    width: float = 1.5
    is_dashed: bool = False
    has_dots: bool = False


@dataclass(frozen=True, eq=False)
class Band:
    """What lies between two lines.

    Attributes:
        name: What the legend calls it.
        x: Ascending.
        low: The lower line.
        high: The upper one.
        ink: Its color.
        opacity: From 0 to 1.
    """

    name: str
    x: Floats
    low: Floats
    high: Floats
    ink: Ink
    opacity: float


@dataclass(frozen=True, eq=False)
class Chart:
    """One frame.

    Attributes:
        title: Above it, where there are several; else empty.
        bands: Behind.
        lines: In front.
        kind: Whether x are moments, in seconds since 1970, or whole numbers.
        x_label: What x are, unless they are moments.
        y_label: What y are.
        starts_at_zero: Whether y begin at 0.
    """

    title: str
    bands: tuple[Band, ...]
    lines: tuple[Line, ...]
    kind: Kind = "time"
    x_label: str = ""
    y_label: str = ""
    starts_at_zero: bool = False

    @property
    def marks(self) -> "tuple[Band | Line, ...]":
        """All that is drawn, from behind."""
        return (*self.bands, *self.lines)

    def x_range(self) -> tuple[float, float]:
        """From the first to the last x."""
        return _range([one.x for one in self.marks])

    def y_range(self) -> tuple[float, float]:
        """From the lowest to the highest y, with some room."""
        values = [one.y for one in self.lines] + [side for one in self.bands for side in (one.low, one.high)]
        low, high = _range(values)
        room = 0.06 * ((high - low) or abs(high) or 1.0)
        return (0.0 if self.starts_at_zero and low >= 0 else low - room), high + room


@dataclass(frozen=True, eq=False)
class Figure:
    """A picture.

    Attributes:
        title: What it is of.
        caption: What else is to be known, in a line.
        charts: Its frames; where there is none, `nothing` says why.
        nothing: What stands there instead of frames.
    """

    title: str
    caption: str
    charts: tuple[Chart, ...]
    nothing: str = ""


def _range(values: Sequence[Floats]) -> tuple[float, float]:
    found = np.concatenate([one for one in values if len(one)] or [np.zeros(1)])
    finite = found[np.isfinite(found)]
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)

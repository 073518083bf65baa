"""Large tables in parts of whole series, each small enough for one request."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from app.client.errors import AnswerUnreadable

if TYPE_CHECKING:
    from app.client.tables import Sent

_SMALL_ROWS: Final = 100_000
_SMALL_SERIES: Final = 1_000
_BODY_SHARE: Final = 0.9
"""What is filled of the largest body, so that what stands beside the columns has room."""
_JSON_BYTES: Final = 64
"""An observation in JSON at most, its timestamp with it."""


@dataclass(frozen=True)
class Limits:
    """How much one request may hold.

    Attributes:
        max_body_bytes: Of its body.
        max_points: Observations.
        max_series: Series.
        max_forecast_values: Numbers that are forecast.
    """

    max_body_bytes: int
    max_points: int
    max_series: int
    max_forecast_values: int

    @classmethod
    def read(cls, system: Mapping[str, Any]) -> "Limits":
        """Those that a service tells.

        Raises:
            AnswerUnreadable: It tells none.
        """
        try:
            found = system["limits"]
            return cls(found["max_body_bytes"], found["max_points"], found["max_series"], found["max_forecast_values"])
        except (KeyError, TypeError) as error:
            raise AnswerUnreadable("The service does not say how much one request may hold.") from error

    def in_json(self) -> "Limits":
        """With as few points as surely fit into a body in JSON."""
        return replace(self, max_points=min(self.max_points, self.max_body_bytes // _JSON_BYTES))

    def for_values(self, num_values: int) -> "Limits":
        """With as few series as may have so many values forecast each."""
        return replace(self, max_series=max(1, min(self.max_series, self.max_forecast_values // max(1, num_values))))


UNLIMITED: Final = Limits(max_body_bytes=2**62, max_points=2**62, max_series=2**62, max_forecast_values=2**62)


def is_small(sent: "Sent") -> bool:
    """Whether a table fits into one request of every service that has not been made narrower than usual."""
    return sent.table.num_rows <= _SMALL_ROWS and sent.num_series <= _SMALL_SERIES


def in_parts(sent: "Sent | None", limits: Limits) -> "Iterator[Sent | None]":
    """A table in parts of whole series, in their order; a series that is too long by itself is a part by itself.

    A dataset, of which nothing is sent, is one part.
    """
    if sent is None:
        yield None
        return
    row_bytes = sent.table.nbytes / sent.table.num_rows
    max_rows = min(limits.max_points, int(_BODY_SHARE * limits.max_body_bytes / row_bytes))
    ends, num_rows, lengths = [0], 0, sent.lengths()
    for number, length in enumerate(lengths):
        if number > ends[-1] and (num_rows + length > max_rows or number - ends[-1] >= limits.max_series):
            ends.append(number)
            num_rows = 0
        num_rows += length
    yield from sent.split([*ends, len(lengths)]) if len(ends) > 1 else (sent,)

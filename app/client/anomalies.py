"""Observations that a version did not expect, as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from app.client.errors import AnswerUnreadable
from app.client.forecasts import Failure

if TYPE_CHECKING:
    import pyarrow as pa

    from app.client.tables import Sent

_COLUMNS: Final = ("value", "expected", "lower", "upper", "score", "is_anomaly")


@dataclass(frozen=True, eq=False)
class Anomalies:
    """Observations judged by forecasts made before them.

    Attributes:
        table: In Arrow, an observation a row: name and timestamp under the caller's own column names, `value`,
            `expected`, `lower`, `upper`, `score` (above 1 is outside the interval), `is_anomaly`.
        model: The version that judged, as `name/3`.
        num_expected_by_chance: How many would be outside without there being anything odd.
        failures: The series that failed alone, with `on_error="partial"`.
        notes: What the client guessed.
        sent: What was sent; None where it was a dataset.
    """

    table: "pa.Table"
    model: str
    num_expected_by_chance: float
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]
    sent: "Sent | None"

    @cached_property
    def frame(self) -> Any:
        """Every observation that was judged, as a table of the kind that was sent."""
        from app.client.kinds import to_kind  # noqa: PLC0415 - loads pyarrow

        return to_kind(self.table, self.sent.kind if self.sent else "pandas")

    @property
    def found(self) -> Any:
        """The anomalies alone, as such a table."""
        from app.client.kinds import to_kind  # noqa: PLC0415 - loads pyarrow

        return to_kind(self.table.filter(self.table["is_anomaly"]), self.sent.kind if self.sent else "pandas")


def read_anomalies(found: Mapping[str, Any], sent: "Sent | None") -> Anomalies:
    """The anomalies that an answer holds.

    Raises:
        AnswerUnreadable: It holds none.
    """
    from app.client.tables import joined, parsed_times  # noqa: PLC0415 - loads pyarrow

    try:
        good = [one for one in found["anomalies"] if one["status"] == "ok"]
        bad = [one for one in found["anomalies"] if one["status"] != "ok"]
        parts = ((one["item_id"], {"timestamp": one["timestamps"], **one}) for one in good)
        table = parsed_times(joined(parts, ["timestamp", *_COLUMNS]))
        version = found["model"]
        return Anomalies(
            sent.like(table) if sent else table,
            f"{version['name']}/{version['version']}",
            sum(one["num_expected_by_chance"] for one in good),
            tuple(Failure(one["item_id"], one["problem"]["code"], one["problem"]["detail"]) for one in bad),
            sent.columns.notes if sent else (),
            sent,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise AnswerUnreadable("The service answered with something else than anomalies.") from error


def join_anomalies(parts: Sequence[Anomalies], sent: "Sent | None") -> Anomalies:
    """The anomalies of a whole table, whose parts were judged one by one."""
    if len(parts) == 1:
        return parts[0]
    from app.client.tables import concatenated  # noqa: PLC0415

    return replace(
        parts[0],
        table=concatenated([one.table for one in parts]),
        num_expected_by_chance=sum(one.num_expected_by_chance for one in parts),
        failures=tuple(failure for one in parts for failure in one.failures),
        sent=sent,
    )

"""What an audit finds: a stable code, how bad it is, and what to do about it."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from model.errors import ConfigurationInvalid, DataError
from model.panels.columns import Fault
from model.panels.counting import COUNTED, to_numbers
from model.panels.grid import Instants, localize

Severity = Literal["error", "warning", "notice"]
"""`error`: it is refused; `warning`: it is taken, and forecasts may suffer; `notice`: good to know."""

MAX_PLACES: Final = 10
"""How many rows or timestamps a finding names."""

_MAX_TEXT: Final = 500


@dataclass(frozen=True)
class Kind:
    """What all findings of one code have in common."""

    severity: Severity
    fix: str


KINDS: Final[dict[str, Kind]] = {
    "values_missing": Kind("notice", "Nothing has to be done: a missing observation is the same as an absent row."),
    "timestamps_unsorted": Kind("notice", "Nothing has to be done: timestamps are sorted when they are read."),
    "timestamps_irregular": Kind(
        "notice", "Nothing has to be done: they are interpolated in time. Name freq if they are many."
    ),
    "gaps": Kind("notice", "Gaps are filled from what surrounds them; send what is missing if you have it."),
    "many_gaps": Kind("warning", "Name a longer freq if that is the true one; else send what is missing."),
    "frequency_mixed": Kind(
        "warning", "Split the series where its frequency changes, or bring it to one by mean or sum."
    ),
    "frequency_unknown": Kind("warning", "Send a longer history, or name the frequency with freq."),
    "frequencies_differ": Kind(
        "warning", "A training takes the commonest for all: train series of another one apart, or name it with freq."
    ),
    "offsets_mixed": Kind("warning", "Below a day nothing has to be done; send days as dates without a time zone."),
    "dates_ambiguous": Kind("warning", "Write the year first, as in 2026-04-03, or dots where the day is first."),
    "local_times_ambiguous": Kind("warning", "Send timestamps with their offset from UTC, or in UTC."),
    "local_times_nonexistent": Kind("warning", "Send timestamps with their offset from UTC, or in UTC."),
    "timestamps_in_future": Kind("warning", "Check the year and the time zone; leave out what is not yet observed."),
    "constant": Kind("warning", "Leave it out of a training: there is nothing to learn from it."),
    "mostly_zero": Kind(
        "warning", "If zero means that nothing was observed, send null; else add it up over longer steps."
    ),
    "outliers": Kind("warning", "Send null for what was measured wrongly; leave what really happened."),
}
"""Every code beside those of the errors with which data is refused."""


@dataclass(frozen=True)
class Finding:
    """Something found in data: a stable code, a sentence, and what to do.

    Attributes:
        code: That of the error where the data is refused.
        severity: What becomes of the data.
        detail: What was found.
        fix: What to do about it.
        item_id: The series; None where it concerns the panel.
        count: How many rows, timestamps or gaps; None where it does not count anything.
        share: Of all there are, from 0 to 1.
        positions: The first rows it concerns, in the series' own raw column, from 0.
        timestamps: The first timestamps it concerns, in the zone of the series.
    """

    code: str
    severity: Severity
    detail: str
    fix: str
    item_id: str | None = None
    count: int | None = None
    share: float | None = None
    positions: tuple[int, ...] = ()
    timestamps: tuple[str, ...] = ()


def from_error(error: DataError | ConfigurationInvalid, severity: Severity = "error") -> Finding:
    """What an error says, as a finding."""
    return Finding(error.code, severity, error.detail[:_MAX_TEXT], error.hint, error.item_id)


def from_fault(fault: Fault, num_rows: int) -> Finding:
    """What a fault of raw columns says, as a finding.

    Args:
        fault: The fault.
        num_rows: Rows of the columns.
    """
    error, count = fault.error, len(fault.positions)
    return Finding(
        error.code, "error", error.detail[:_MAX_TEXT], error.hint, error.item_id,
        count=count or None,
        share=round(count / num_rows, 6) if count else None,
        positions=tuple(fault.positions[:MAX_PLACES].tolist()),
    )  # fmt: skip


def found(
    code: str,
    detail: str,
    *,
    item_id: str | None = None,
    count: int,
    of: int,
    timestamps: tuple[str, ...] = (),
) -> Finding:
    """A finding of one of the `KINDS`.

    Args:
        code: Which.
        detail: What was found.
        item_id: The series; None where it concerns the panel.
        count: How many rows, timestamps or gaps.
        of: How many there are.
        timestamps: The first of them.
    """
    kind = KINDS[code]
    share = round(count / of, 6) if of else None
    return Finding(code, kind.severity, detail[:_MAX_TEXT], kind.fix, item_id, count, share, timestamps=timestamps)


def written(instants: Instants, time_zone: str | None) -> tuple[str, ...]:
    """Instants as ISO 8601, in the zone of their series, or as the whole numbers that they are."""
    if time_zone == COUNTED:
        return tuple(map(str, to_numbers(instants)))
    local: Any = localize(instants, time_zone)
    return tuple(str(one.isoformat()) for one in local)

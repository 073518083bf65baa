"""Audits asked for, and answered, in JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from app.schemas.panels import FindDataset, RawSeriesBody
from app.time_axes import zone_name
from model import Aggregation, Audit, Finding, ItemAudit, Reading, Severity

MAX_ITEMS: Final = 1000
"""The most series that an audit describes in full."""

_CELL_CODES: Final = ("value_invalid", "timestamp_invalid")
"""What is `cell_invalid` where the data is a table, because its refusal names the cell."""

ItemsInFull = Annotated[int, Field(ge=0, le=MAX_ITEMS, description="How many series to describe in full.")]


class AuditRequest(BaseModel):
    """A panel to check, whatever is wrong with it."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "series": [
                        {
                            "item_id": "a",
                            "timestamps": ["2026-11-01T00:00", "2026-11-01T01:00", "2026-11-01T01:00", "soon"],
                            "target": [1.2, None, 3.4, "many"],
                        }
                    ],
                    "horizon": 96,
                    "time_zone": "Europe/Berlin",
                }
            ]
        },
    )

    series: list[RawSeriesBody]
    horizon: Annotated[
        int | None, Field(ge=1, description="Steps that a training is wanted for; finds what is too short for it.")
    ] = None
    time_zone: Annotated[
        str | None,
        Field(max_length=64, description="Where the clocks are that timestamps without a zone were read from."),
    ] = None
    max_items: ItemsInFull = 20
    duplicates: Annotated[Aggregation, Field(description="What to do with repeated timestamps.")] = "error"

    def to_readings(self, find_dataset: FindDataset) -> tuple[Reading, ...]:
        """What the series hold.

        Raises:
            DatasetError, ItemNotFound: A dataset that is named cannot be read.
        """
        return tuple(one for body in self.series for one in body.to_readings(find_dataset, duplicates=self.duplicates))


@dataclass(frozen=True)
class FindingBody:
    """Something that was found; `code` is that of the refusal where the severity is `error`."""

    code: str
    severity: Severity
    detail: str
    fix: str
    item_id: str | None
    count: int | None
    share: float | None
    positions: list[int]
    lines: list[int]
    timestamps: list[str]


@dataclass(frozen=True)
class AuditedItem:
    """One series and what was found in it, the worst first."""

    item_id: str | None
    num_rows: int
    num_observations: int
    freq: str | None
    time_zone: str | None
    first: str | None
    last: str | None
    findings: list[FindingBody]


@dataclass(frozen=True)
class TallyBody:
    """How many series a finding was made in, and how often."""

    code: str
    severity: Severity
    num_items: int
    count: int


@dataclass(frozen=True)
class AuditBody:
    """What was found in a panel; the series with the worst findings in full, all of them in the tallies."""

    is_accepted: bool
    num_items: int
    num_observations: int
    findings: list[FindingBody]
    tallies: list[TallyBody]
    items: list[AuditedItem]
    num_items_left_out: int


def from_audit(audit: Audit, lines: Mapping[str, NDArray[np.int64]] | None = None) -> AuditBody:
    """An audit as JSON has it.

    Args:
        audit: The audit.
        lines: Where the data is a table: the line of each row of each series.
    """
    code = _name if lines is None else _name_of_cell
    return AuditBody(
        is_accepted=audit.is_accepted,
        num_items=audit.num_items,
        num_observations=audit.num_observations,
        findings=[_finding(one, code(one.code), ()) for one in audit.findings],
        tallies=[TallyBody(code(one.code), one.severity, one.num_items, one.count) for one in audit.tallies],
        items=[_item(one, lines) for one in audit.items],
        num_items_left_out=audit.num_items_left_out,
    )


def _item(item: ItemAudit, lines: Mapping[str, NDArray[np.int64]] | None) -> AuditedItem:
    code = _name if lines is None else _name_of_cell
    rows = None if lines is None or item.item_id is None else lines.get(item.item_id)
    findings = [
        _finding(one, code(one.code), [] if rows is None else rows[list(one.positions)].tolist())
        for one in item.findings
    ]
    return AuditedItem(
        item.item_id,
        item.num_rows,
        item.num_observations,
        item.freq,
        zone_name(item.time_zone),
        item.first,
        item.last,
        findings,
    )


def _finding(finding: Finding, code: str, lines: Sequence[int]) -> FindingBody:
    return FindingBody(
        code=code,
        severity=finding.severity,
        detail=finding.detail,
        fix=finding.fix,
        item_id=finding.item_id,
        count=finding.count,
        share=finding.share,
        positions=list(finding.positions),
        lines=list(lines),
        timestamps=list(finding.timestamps),
    )


def _name(code: str) -> str:
    return code


def _name_of_cell(code: str) -> str:
    return "cell_invalid" if code in _CELL_CODES else code

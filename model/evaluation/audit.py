"""An audit: what is wrong or noteworthy with a panel, or with what was to become one."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from model.configuration.choosing import choose_config, least_observations
from model.configuration.config import TrainingOptions
from model.errors import ConfigurationInvalid, DataError, DuplicateItems, PanelEmpty, SeriesTooShort
from model.panels.findings import MAX_PLACES, Finding, Severity, found, from_error, written
from model.panels.inspection import inspect
from model.panels.reading import Reading
from model.panels.series import Panel, Series

Item = Series | Reading | DataError
"""A series, its raw columns as they were read, or the reason why there are none."""

_ORDER: Final[dict[Severity, int]] = {"error": 0, "warning": 1, "notice": 2}


@dataclass(frozen=True)
class ItemAudit:
    """One series and what was found in it, the worst first.

    Attributes:
        item_id: Its name; None where it has none.
        num_rows: Rows, missing observations included.
        num_observations: Observations that can be used.
        freq: The step of its grid, if it is known.
        time_zone: Of its timestamps.
        first: Its first timestamp.
        last: Its last timestamp.
        findings: What was found.
    """

    item_id: str | None
    num_rows: int
    num_observations: int
    freq: str | None
    time_zone: str | None
    first: str | None
    last: str | None
    findings: tuple[Finding, ...]

    @property
    def severity(self) -> Severity | None:
        """Of the worst finding; None where there is none."""
        return self.findings[0].severity if self.findings else None


@dataclass(frozen=True)
class Tally:
    """How often a finding was made in the whole panel."""

    code: str
    severity: Severity
    num_items: int
    count: int


@dataclass(frozen=True)
class Audit:
    """What was found in a panel.

    Attributes:
        is_accepted: Whether it is taken as it is: there is no finding of severity `error`.
        num_items: Series.
        num_observations: Observations that can be used, of all series.
        findings: Those about the panel as a whole.
        tallies: Every code that was found in a series, and how often; the worst first.
        items: The series with the worst findings, in full.
        num_items_left_out: Series not among them; the tallies count theirs too.
    """

    is_accepted: bool
    num_items: int
    num_observations: int
    findings: tuple[Finding, ...]
    tallies: tuple[Tally, ...]
    items: tuple[ItemAudit, ...]
    num_items_left_out: int


def audit_panel(
    items: Iterable[Item],
    *,
    horizon: int | None = None,
    time_zone: str | None = None,
    now: datetime | None = None,
    max_items: int = 20,
) -> Audit:
    """Everything there is to say about a panel, also about one that `Panel` would refuse.

    A finding of severity `error` has the code of the error with which the data is refused.

    Args:
        items: A panel, or raw columns.
        horizon: Steps that a training is wanted for; what is too short for it is then found too.
        time_zone: Where the wall clocks are that timestamps without a zone were read from, if that is known.
        now: The present; without it no timestamp is in the future.
        max_items: How many series are described in full.

    Raises:
        ConfigurationInvalid: There is no such time zone.
    """
    readings = [one.to_reading() if isinstance(one, Series) else one for one in items]
    audited = [_audit_item(one, horizon, time_zone, now) for one in readings]
    findings = _worst_first(_in_panel(readings, horizon))
    worst = sorted(audited, key=lambda one: _ORDER.get(one.severity, 3) if one.severity else 3)
    every = [*findings, *(finding for one in audited for finding in one.findings)]
    return Audit(
        is_accepted=all(one.severity != "error" for one in every),
        num_items=len(audited),
        num_observations=sum(one.num_observations for one in audited),
        findings=findings,
        tallies=_tallies(audited),
        items=tuple(worst[:max_items]),
        num_items_left_out=max(0, len(audited) - max_items),
    )


def _audit_item(
    item: Reading | DataError, horizon: int | None, time_zone: str | None, now: datetime | None
) -> ItemAudit:
    if isinstance(item, DataError):
        return ItemAudit(item.item_id, 0, 0, None, None, None, None, (from_error(item),))
    ends = written(item.instants[[0, -1]], item.time_zone) if len(item.instants) else ()
    findings = [*inspect(item, time_zone=time_zone, now=now), *_too_short(item, horizon)]
    return ItemAudit(
        item.item_id,
        item.num_rows,
        len(item.instants),
        item.freq,
        item.time_zone,
        ends[0] if ends else None,
        ends[1] if ends else None,
        _worst_first(findings),
    )


def _too_short(item: Reading, horizon: int | None) -> Iterator[Finding]:
    if horizon is None or item.faults or len(item.instants) >= least_observations(horizon):
        return
    purpose = f"training for a horizon of {horizon} steps"
    error = SeriesTooShort(item.item_id, len(item.instants), least_observations(horizon), purpose)
    yield replace(from_error(error, "warning"), count=len(item.instants))


def _in_panel(items: Sequence[Reading | DataError], horizon: int | None) -> Iterator[Finding]:
    if not items:
        yield from_error(PanelEmpty())
    names = Counter(one.item_id for one in items if one.item_id is not None)
    repeated = [name for name, number in names.items() if number > 1]
    yield from (replace(from_error(DuplicateItems(name)), count=names[name]) for name in repeated[:MAX_PLACES])
    sound = {one.item_id: one for one in items if isinstance(one, Reading) and not one.faults}
    steps = Counter(one.freq for one in sound.values() if one.freq is not None)
    if len(steps) > 1:
        yield _frequencies_differ(steps)
    if sound:
        panel = Panel(tuple(Series.from_reading(one) for one in sound.values()))
        yield from _for_training(panel, horizon)


def _frequencies_differ(steps: Counter[str]) -> Finding:
    (commonest, number), *others = steps.most_common()
    shown = ", ".join(f"{freq} ({count})" for freq, count in others[:MAX_PLACES])
    detail = f"{number} series have the frequency {commonest}; others have {shown}."
    return found("frequencies_differ", detail, count=steps.total() - number, of=steps.total())


def _for_training(panel: Panel, horizon: int | None) -> Iterator[Finding]:
    """What a training of the whole panel would be refused for."""
    try:
        choose_config(panel, TrainingOptions(horizon=horizon))
    except (DataError, ConfigurationInvalid) as error:
        yield from_error(error, "warning" if horizon is None else "error")


def _worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda one: _ORDER[one.severity]))


def _tallies(items: Sequence[ItemAudit]) -> tuple[Tally, ...]:
    found: dict[tuple[str, Severity], list[Finding]] = {}
    for one in items:
        for finding in one.findings:
            found.setdefault((finding.code, finding.severity), []).append(finding)
    rows = [
        Tally(code, severity, len(findings), sum(one.count or 1 for one in findings))
        for (code, severity), findings in found.items()
    ]
    return tuple(sorted(rows, key=lambda one: (_ORDER[one.severity], -one.num_items)))

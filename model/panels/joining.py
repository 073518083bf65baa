"""Observations joined to a panel: what is known already is no news, what contradicts it is refused."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from model.errors import AxesMixed, CovariateInvalid, FrequencyUnknown, ObservationConflict, TimeZonesMixed
from model.panels.covariates import Covariates
from model.panels.findings import written
from model.panels.grid import infer_frequency
from model.panels.series import Panel, Series


@dataclass(frozen=True, eq=False)
class Joined:
    """A panel with what was joined to it.

    Attributes:
        panel: The whole; the panel itself where nothing was new.
        num_added: Observations that were new; covariates are not counted.
        num_known: Observations that were there already.
    """

    panel: Panel
    num_added: int
    num_known: int


def join(panel: Panel, added: Iterable[Series]) -> Joined:
    """Joins observations to a panel, by item and timestamp; an item that is new becomes another series.

    The frequency of a series is read again from all of its timestamps, unless it is another than they told before: then
    somebody named it, and it stays.

    A covariate until the last observation does not change either; after it, where it was a forecast itself, the value
    that comes later counts.

    Raises:
        ObservationConflict: The panel has another value at a timestamp.
        CovariateInvalid: It has another value of a covariate there, or another fact.
        TimeZonesMixed: Only one of a series and what is added to it has a time zone.
        AxesMixed: Only one of them has whole numbers for timestamps.
    """
    series = {one.item_id: one for one in panel}
    num_known = num_added = 0
    is_changed = False
    for one in added:
        before = series.get(one.item_id)
        after, known = (one, 0) if before is None else _join_series(before, one)
        series[one.item_id] = after
        is_changed |= after is not before
        num_known += known
        num_added += len(one) - known
    return Joined(Panel(tuple(series.values())) if is_changed else panel, num_added, num_known)


def _join_series(before: Series, added: Series) -> tuple[Series, int]:
    if before.is_counted != added.is_counted:
        found, needed = ("whole numbers", "dates") if before.is_counted else ("dates", "whole numbers")
        what = f"Series {before.item_id!r} has timestamps that are {found}"
        raise AxesMixed(what, f"those added to it are {needed}", item_id=before.item_id)
    if (before.time_zone is None) != (added.time_zone is None):
        raise TimeZonesMixed(before.item_id)
    places = np.minimum(np.searchsorted(before.timestamps, added.timestamps), len(before) - 1)
    is_known = before.timestamps[places] == added.timestamps
    conflicts = np.flatnonzero(is_known & (before.values[places] != added.values))
    if len(conflicts):
        first = conflicts[:1]
        (timestamp,) = written(added.timestamps[first], before.time_zone)
        stored, sent = float(before.values[places[first[0]]]), float(added.values[first[0]])
        raise ObservationConflict(before.item_id, timestamp, stored, sent, len(conflicts))
    num_known = int(is_known.sum())
    covariates = _join_covariates(before, added)
    if num_known == len(added):
        return before if covariates is before.covariates else replace(before, covariates=covariates), num_known
    timestamps = np.concatenate([before.timestamps, added.timestamps[~is_known]])
    values = np.concatenate([before.values, added.values[~is_known]])
    order = np.argsort(timestamps, kind="stable")
    time_zone = _common_zone(before.time_zone, added.time_zone)
    joined = replace(
        before, timestamps=timestamps[order], values=values[order], time_zone=time_zone, covariates=covariates
    )
    if before.freq is None or before.freq == _told_frequency(before):
        joined = replace(joined, freq=_told_frequency(joined))
    return joined, num_known


def _join_covariates(before: Series, added: Series) -> Covariates:
    """The covariates of both; those of the series itself where nothing is new."""
    if not added.covariates:
        return before.covariates
    known = before.covariates
    for name, fact in added.covariates.static.items():
        if known.static.get(name, fact) != fact:
            raise CovariateInvalid(before.item_id, name, repr(fact), f"{known.static[name]!r}, as it is stored")
    joined = known.joined(added.covariates)
    for name in (*known.past, *known.future):
        timestamps, values = known.signal(name) or (known.timestamps[:0], np.empty(0))
        kept = joined.at(name, timestamps)
        changed = np.flatnonzero((values != kept) & (timestamps <= before.last))
        if len(changed):
            place = changed[:1]
            (timestamp,) = written(timestamps[place], before.time_zone)
            found, stored = float(kept[place[0]]), float(values[place[0]])
            needed = f"{stored!r}, as it is stored"
            raise CovariateInvalid(before.item_id, name, f"{found!r} at {timestamp}", needed)
    return known if list(joined.content()) == list(known.content()) else joined


def _told_frequency(series: Series) -> str | None:
    try:
        return infer_frequency(series.timestamps, series.time_zone, item_id=series.item_id)
    except FrequencyUnknown:
        return None


def _common_zone(before: str | None, added: str | None) -> str | None:
    """The zone of the series; where mere offsets from UTC differ, UTC, as for timestamps that come together."""
    is_offset = before is not None and before.startswith("UTC")
    return "UTC" if is_offset and before != added else before

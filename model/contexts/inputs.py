"""Covariates as a network takes them: in their own units, at the steps of a grid.

Between two of its values a signal is linear in time. Before its first value and after its last one it is missing, which
is its mean, 0. A signal of the past is missing after the last observation, whatever is known of it by now.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from model.contexts.scheme import Measure, Scheme, require
from model.errors import AxesMixed, CovariateMissing
from model.panels.covariates import Fact
from model.panels.grid import Grid, Instants, localize
from model.panels.series import Notice, Series

_SAME = 1e-6
"""Steps within which two positions are one."""


@dataclass(frozen=True, eq=False)
class SeriesInputs:
    """The covariates of one series over a history and what comes after it.

    Attributes:
        signals: Those of the past, then those known in advance; shape (steps, signals).
        measures: The facts that are numbers; shape (measures,).
        choices: The numbers of the facts that are names, 0 for one that training did not see; shape (choices,).
    """

    signals: NDArray[np.float32]
    measures: NDArray[np.float32]
    choices: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Inputs:
    """The covariates of a batch, the history first.

    Attributes:
        signals: Those of the past, missing after the history, then those known in advance.
        measures: The facts that are numbers.
        choices: The numbers of the facts that are names.
    """

    signals: Float[Tensor, "batch steps signals"]
    measures: Float[Tensor, "batch measures"]
    choices: Int[Tensor, "batch choices"]

    @classmethod
    def stacked(cls, series: Sequence[SeriesInputs], device: torch.device) -> "Inputs":
        """Those of several series, over equally many steps."""
        columns = zip(*((one.signals, one.measures, one.choices) for one in series), strict=True)
        return cls(*(torch.from_numpy(np.stack(column)).to(device) for column in columns))

    def moved(self, num_steps: int) -> "Inputs":
        """The same for a history that has moved on."""
        return replace(self, signals=self.signals[:, num_steps:])

    def without_future(self, num_known: int) -> "Inputs":
        """The same with everything at its mean after so many steps."""
        known = torch.arange(self.signals.shape[1], device=self.signals.device) < num_known
        return replace(self, signals=self.signals * known[:, None])


def inputs_of(series: Series, scheme: Scheme, grid: Grid, *, first: int, last: int) -> SeriesInputs:
    """The covariates of a series, which has them all, from one position of its grid to another; 0 is its end."""
    steps = np.arange(first, last + 1)
    timestamps = grid.timestamps(first, last)
    past = [_signal(series, one, grid, timestamps, until=0.0) for one in scheme.past]
    future = [_signal(series, one, grid, timestamps) for one in scheme.future]
    cycles = [phase for cycle in scheme.calendar for phase in _phases(timestamps, series.time_zone, cycle)]
    facts = series.covariates.static
    return SeriesInputs(
        np.stack([*past, *future, *cycles], axis=-1).astype(np.float32)
        if scheme.num_signals
        else np.empty((len(steps), 0), dtype=np.float32),
        np.array([_number(facts[one.name], one) for one in scheme.measures], dtype=np.float32),
        np.array([_place(facts[one.name], one.values) for one in scheme.choices], dtype=np.int64),
    )


def require_ahead(series: Series, scheme: Scheme, grid: Grid, position: float) -> None:
    """Refuses a series that lacks a covariate, or whose signals known in advance do not reach as far as is asked.

    Raises:
        CovariateMissing
        AxesMixed: Its timestamps are whole numbers, and the calendar is among the covariates.
    """
    if scheme.calendar and series.is_counted:
        found = f"Series {series.item_id!r} has timestamps that are whole numbers"
        raise AxesMixed(found, "the version uses the calendar of dates", item_id=series.item_id)
    require(series, scheme.names, "by this version")
    for one in scheme.future:
        signal = series.covariates.signal(one.name)
        if signal is None:
            raise CovariateMissing(series.item_id, one.name, "by this version, as a signal in time")
        if signal[0][0] > series.last:
            raise CovariateMissing(series.item_id, one.name, "until the last observation, too; send its past along")
        if grid.positions(signal[0][-1:])[0] < position - _SAME:
            asked = str(pd.Timestamp(grid.timestamps(0, int(np.ceil(position)))[-1]))
            raise CovariateMissing(
                series.item_id, one.name, f"up to {asked}", known_until=str(pd.Timestamp(signal[0][-1]))
            )


def notices_of(series: Series, scheme: Scheme) -> list[Notice]:
    """What of the covariates of a series is not used, or not known to a version."""
    if not scheme and not series.covariates:
        return []
    used = set(scheme.names)
    notices = [
        Notice("covariate_unused", f"The covariate {name!r} was not used: this version was trained without it.")
        for name in series.covariates.names
        if name not in used
    ]
    for one in scheme.past:
        signal = series.covariates.signal(one.name)
        if one.name in series.covariates.future and signal is not None and signal[0][-1] > series.last:
            detail = f"The future of the covariate {one.name!r} was not used: this version looks at its past."
            notices.append(Notice("covariate_unused", detail))
    for choice in scheme.choices:
        fact = series.covariates.static.get(choice.name)
        if fact is not None and str(fact) not in choice.values:
            detail = f"The covariate {choice.name!r} is {str(fact)!r}, which training did not see; it has no effect."
            notices.append(Notice("covariate_unseen", detail))
    return notices


def _signal(
    series: Series, measure: Measure, grid: Grid, timestamps: Instants, *, until: float | None = None
) -> NDArray[np.float64]:
    """A signal at consecutive points of the grid, in its own units; one that ends within a step holds to its end."""
    known_at, values = series.covariates.signal(measure.name) or (timestamps[:0], np.empty(0))
    if until is not None:
        end = int(np.searchsorted(known_at, series.last, side="right"))
        known_at, values = known_at[:end], values[:end]
    first = max(0, int(np.searchsorted(known_at, timestamps[0], side="right")) - 1)
    last = int(np.searchsorted(known_at, timestamps[-1])) + 1
    known_at, values = known_at[first:last], values[first:last]
    if len(values) == 0:
        return np.zeros(len(timestamps))
    positions = grid.positions(known_at)
    start = grid.positions(timestamps[:1])[0]
    steps = start + np.arange(len(timestamps))
    found = np.interp(steps, positions, values)
    end = positions[-1] if until is not None else np.ceil(positions[-1] - _SAME)
    missing = (steps < positions[0] - _SAME) | (steps > end + _SAME)
    if until is not None:
        missing |= steps > until + _SAME
    return np.where(missing, 0.0, measure.scaled(found))


def _number(fact: Fact, measure: Measure) -> float:
    """A fact in its units; its mean where it is no number."""
    return float(measure.scaled(np.array(fact))) if isinstance(fact, float) else 0.0


def _place(fact: Fact, values: Sequence[str]) -> int:
    return values.index(str(fact)) + 1 if str(fact) in values else 0


def _phases(timestamps: Instants, time_zone: str | None, cycle: str) -> list[NDArray[np.float64]]:
    """Where in a cycle timestamps lie on the clocks of their zone, as the sine and cosine of an angle."""
    local = localize(timestamps, time_zone)
    day = (local.hour + local.minute / 60 + local.second / 3600).to_numpy() / 24
    share = {
        "day": day,
        "week": (local.day_of_week.to_numpy() + day) / 7,
        "year": (local.day_of_year.to_numpy() - 1 + day) / 365.25,
    }[cycle]
    return [np.sin(2 * np.pi * share), np.cos(2 * np.pi * share)]

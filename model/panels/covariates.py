"""What is known of a series beside its target: signals in time, and facts that do not change.

A signal is a number that changes in time: a temperature, a price, whether there is a promotion. It has its own
timestamps, so that it may go on where the target ends. One of the future is known in advance; one of the past is known
only once it has happened. A signal is linear in time between two of its values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.errors import CovariateInvalid, CovariateLengthMismatch, DataError
from model.panels.columns import Column, Fault, read_numbers
from model.panels.grid import Instants

Fact = str | float
"""A static covariate: a name or a number."""

_NEVER: Instants = np.empty(0, dtype="datetime64[us]")


@dataclass(frozen=True, eq=False)
class Covariates:
    """The covariates of one series; those without a single value are absent.

    Attributes:
        timestamps: When any of the signals has a value, sorted, each once; shape (n,).
        past: The signals known once they have happened, by name; NaN where one has no value; each of shape (n,).
        future: Those known in advance.
        static: The facts, by name.
    """

    timestamps: Instants = field(default_factory=lambda: _NEVER)
    past: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    future: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    static: Mapping[str, Fact] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.past or self.future or self.static)

    @property
    def names(self) -> tuple[str, ...]:
        """Of all of them, sorted."""
        return tuple(sorted({*self.past, *self.future, *self.static}))

    @property
    def num_values(self) -> int:
        """Values of all signals, missing ones included."""
        return len(self.timestamps) * (len(self.past) + len(self.future))

    def signal(self, name: str) -> tuple[Instants, NDArray[np.float64]] | None:
        """The timestamps and values of a signal, without what is missing; None if there is no such signal."""
        values = self.future.get(name, self.past.get(name))
        if values is None:
            return None
        known = ~np.isnan(values)
        return self.timestamps[known], values[known]

    def at(self, name: str, timestamps: Instants) -> NDArray[np.float64]:
        """The values of a signal at timestamps that it has."""
        known_at, values = self.signal(name) or (self.timestamps[:0], np.empty(0))
        return np.asarray(values[np.searchsorted(known_at, timestamps)])

    def joined(self, later: "Covariates") -> "Covariates":
        """These with others of the same series; where both have a value, the later one counts."""
        timestamps = np.union1d(self.timestamps, later.timestamps)
        future = {*self.future, *later.future}
        past = {*self.past, *later.past} - future

        def merged(name: str) -> NDArray[np.float64]:
            values = np.full(len(timestamps), np.nan)
            for one in (self, later):
                signal = one.signal(name)
                if signal is not None:
                    values[np.searchsorted(timestamps, signal[0])] = signal[1]
            return values

        return Covariates(
            timestamps,
            {name: merged(name) for name in sorted(past)},
            {name: merged(name) for name in sorted(future)},
            {**self.static, **later.static},
        )

    def content(self) -> Iterable[bytes]:
        """All there is, for a digest."""
        yield self.timestamps.astype("<i8").tobytes()
        for kind, signals in (("past", self.past), ("future", self.future)):
            for name, values in sorted(signals.items()):
                yield f"\0{kind}\0{name}\0".encode()
                yield np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes()
        for name, fact in sorted(self.static.items()):
            yield f"\0static\0{name}\0{fact!r}\0".encode()


NO_COVARIATES = Covariates()


@dataclass(frozen=True, eq=False)
class RawCovariates:
    """Covariates as they come, a value a row; a static one is a single value, or a column of equal ones.

    Attributes:
        past: By name.
        future: Those known in advance; also the values of a name that `past` has, too, which is then known in advance.
        static: By name.
    """

    past: Mapping[str, Column] = field(default_factory=dict)
    future: Mapping[str, Column] = field(default_factory=dict)
    static: Mapping[str, Any] = field(default_factory=dict)


def read_covariates(item_id: str, instants: Instants, raw: RawCovariates) -> tuple[Covariates, tuple[Fault, ...]]:
    """Reads the covariates of one series; of rows that share their timestamp, the first counts.

    Args:
        item_id: The series.
        instants: Of the rows; not-a-time where a row has none.
        raw: The columns.
    """
    faults: list[Fault] = []
    signals: dict[str, dict[str, NDArray[np.float64]]] = {"past": {}, "future": {}}
    for kind, columns in (("past", raw.past), ("future", raw.future)):
        for name, column in columns.items():
            values, wrong = _read_signal(item_id, name, column, len(instants))
            signals[kind][name] = values
            faults += wrong
    facts, wrong = _read_facts(item_id, raw.static)
    return covariates_of(instants, signals["past"], signals["future"], facts), (*faults, *wrong)


def covariates_of(
    instants: Instants,
    past: Mapping[str, NDArray[np.float64]],
    future: Mapping[str, NDArray[np.float64]],
    static: Mapping[str, Fact],
) -> Covariates:
    """Covariates from rows in any order, without those rows and signals that have no value."""
    future = {name: values for name, values in future.items() if not np.isnan(values).all()}
    signals = {name: values for name, values in past.items() if not np.isnan(values).all()} | future
    if not signals:
        return Covariates(static=dict(sorted(static.items()))) if static else NO_COVARIATES
    usable = np.flatnonzero(~np.isnat(instants) & ~np.all([np.isnan(one) for one in signals.values()], axis=0))
    timestamps, first = np.unique(instants[usable], return_index=True)
    rows = usable[first]
    return Covariates(
        timestamps,
        {name: signals[name][rows] for name in sorted(signals) if name not in future},
        {name: signals[name][rows] for name in sorted(signals) if name in future},
        dict(sorted(static.items())),
    )


def _read_signal(
    item_id: str, name: str, column: Column, num_rows: int
) -> tuple[NDArray[np.float64], tuple[Fault, ...]]:
    if len(column) != num_rows:
        error: DataError = CovariateLengthMismatch(item_id, name, len(column), num_rows)
        return np.full(num_rows, np.nan), (Fault(error),)
    cells = pd.Series(column) if not isinstance(column, list) else column
    if isinstance(cells, pd.Series) and pd.api.types.is_bool_dtype(cells.dtype):
        cells = cells.astype("float64")
    values, wrong = read_numbers(item_id, cells)
    if not wrong:
        return values, ()
    position = int(wrong[0].positions[0])
    found = getattr(wrong[0].error, "found", "something")
    error = CovariateInvalid(item_id, name, found, "a finite number, or null", position=position)
    return values, (Fault(error, wrong[0].positions),)


def _read_facts(item_id: str, static: Mapping[str, Any]) -> tuple[dict[str, Fact], tuple[Fault, ...]]:
    facts: dict[str, Fact] = {}
    faults = []
    for name, given in static.items():
        column = given if isinstance(given, (pd.Series, np.ndarray)) else [given]
        found = {_fact(one) for one in pd.unique(pd.Series(column, dtype=object))} - {None}
        if len(found) > 1:
            several = " and ".join(sorted(map(repr, found))[:2])
            faults.append(Fault(CovariateInvalid(item_id, name, several, "the same in all rows of a series")))
        elif found:
            facts[name] = next(one for one in found if one is not None)
    return facts, tuple(faults)


def _fact(value: Any) -> Fact | None:
    """A name or a number; None for what is missing."""
    if value is None or value is pd.NA or value == "" or (isinstance(value, float) and not np.isfinite(value)):
        return None
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    return float(value) if isinstance(value, (int, float, np.number)) else str(value)

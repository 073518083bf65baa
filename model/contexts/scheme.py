"""Which covariates a version uses, and in which units; stored with its checkpoint."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.errors import ConfigurationInvalid, CovariateMissing
from model.panels.counting import is_count
from model.panels.grid import season_length, week_length
from model.panels.series import Panel, Series

MAX_SIGNALS: Final = 64
"""Each is read over the whole context."""

_CYCLES: Final = ("day", "week", "year")


@dataclass(frozen=True)
class Measure:
    """A number, in units of its deviation around its mean."""

    name: str
    mean: float
    spread: float

    def scaled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values in these units."""
        return np.asarray((values - self.mean) / self.spread)


@dataclass(frozen=True)
class Choice:
    """A name out of those that training saw."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Scheme:
    """The covariates that a version uses.

    Attributes:
        past: Signals known once they have happened.
        future: Signals known in advance.
        calendar: The cycles whose phase is known of every timestamp: of the `day`, the `week`, the `year`.
        measures: Facts that are numbers.
        choices: Facts that are names.

    Raises:
        ConfigurationInvalid: It is none that `scheme_of` makes.
    """

    past: tuple[Measure, ...] = ()
    future: tuple[Measure, ...] = ()
    calendar: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    choices: tuple[Choice, ...] = ()

    def __post_init__(self) -> None:
        texts: list[object] = [*self.names, *(value for one in self.choices for value in one.values)]
        numbers = [one for each in self._measures() for one in (each.mean, each.spread)]
        are_typed = all(isinstance(one, str) for one in texts) and set(self.calendar) <= set(_CYCLES)
        are_usable = all(map(math.isfinite, numbers)) and all(one.spread > 0 for one in self._measures())
        if not are_typed or not are_usable:
            raise ConfigurationInvalid("covariates", self.names, "names with a finite mean and a positive spread")

    def __bool__(self) -> bool:
        return bool(self.past or self.future or self.calendar or self.measures or self.choices)

    @property
    def names(self) -> tuple[str, ...]:
        """Of all covariates that a series has to bring along."""
        return (*(one.name for one in self._measures()), *(one.name for one in self.choices))

    @property
    def num_ahead(self) -> int:
        """Numbers that are known of every step in advance."""
        return len(self.future) + 2 * len(self.calendar)

    @property
    def num_signals(self) -> int:
        """Numbers that are known of every step of a history: those of the past first."""
        return len(self.past) + self.num_ahead

    def _measures(self) -> Iterator[Measure]:
        yield from (*self.past, *self.future, *self.measures)

    def to_json(self) -> dict[str, Any]:
        """The scheme as JSON's own types."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Scheme":
        """The scheme that `to_json` gave."""

        def measures(key: str) -> tuple[Measure, ...]:
            return tuple(Measure(**one) for one in content[key])

        choices = tuple(Choice(one["name"], tuple(one["values"])) for one in content["choices"])
        return cls(measures("past"), measures("future"), tuple(content["calendar"]), measures("measures"), choices)


NO_SCHEME: Final = Scheme()


def scheme_of(panel: Panel, freq: str, *, calendar: bool = False) -> Scheme:
    """All covariates of a panel, which each of its series must have.

    A signal is known in advance if one of the series says so. A fact is a number where all series have a number.

    Raises:
        CovariateMissing: A series lacks one that another has.
        ConfigurationInvalid: There are more signals than a network should read, or a calendar of whole numbers.
    """
    if calendar and is_count(freq):
        needed = "left out where timestamps are whole numbers, which have no day, week or year"
        raise ConfigurationInvalid("calendar", calendar, needed)
    ahead = {name for one in panel for name in one.covariates.future}
    past = {name for one in panel for name in one.covariates.past} - ahead
    if len(past | ahead) > MAX_SIGNALS:
        raise ConfigurationInvalid("covariates", len(past | ahead), f"at most {MAX_SIGNALS} past and future ones")
    facts = sorted({name for one in panel for name in one.covariates.static})
    for series in panel:
        require(series, (*sorted(past | ahead), *facts), "as other series of the panel have it")
    numeric = {name for name in facts if all(isinstance(one.covariates.static[name], float) for one in panel)}
    return Scheme(
        tuple(_measure(name, _signals(panel, name)) for name in sorted(past)),
        tuple(_measure(name, _signals(panel, name)) for name in sorted(ahead)),
        _cycles(freq) if calendar else (),
        tuple(_measure(name, [one.covariates.static[name] for one in panel]) for name in facts if name in numeric),
        tuple(
            Choice(name, tuple(sorted({str(one.covariates.static[name]) for one in panel})))
            for name in facts
            if name not in numeric
        ),
    )


def require(series: Series, names: Iterable[str], purpose: str) -> None:
    """Refuses a series that lacks a covariate.

    Raises:
        CovariateMissing
    """
    for name in names:
        if name not in series.covariates.names:
            raise CovariateMissing(series.item_id, name, purpose)


def _signals(panel: Panel, name: str) -> Iterator[float]:
    """What is known of a signal until the last observation of each series."""
    for one in panel:
        signal = one.covariates.signal(name)
        if signal is not None:
            yield from signal[1][signal[0] <= one.last].tolist()


def _measure(name: str, values: Iterable[Any]) -> Measure:
    known = np.array(list(values), dtype=np.float64)
    mean, spread = (float(known.mean()), float(known.std())) if len(known) else (0.0, 0.0)
    return Measure(name, mean, spread if spread > 1e-12 * abs(mean) else 1.0)


def _cycles(freq: str) -> tuple[str, ...]:
    """The cycles that are longer than a step."""
    within_day = week_length(freq) is not None
    within_week = within_day or season_length(freq) in (5, 7)
    return tuple(cycle for cycle, is_longer in zip(_CYCLES, (within_day, within_week, True), strict=True) if is_longer)

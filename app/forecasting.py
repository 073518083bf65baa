"""Use case: answer a forecast with the right version (resolve, load once, refuse series by series)."""

import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from app.errors import LimitExceeded, OperationError
from app.stores.references import PinnedVersion
from app.stores.registry import Registry
from app.stores.versions import Version
from model import (
    NO_PATHS,
    Asked,
    CalibrationSummary,
    DuplicateItems,
    Forecaster,
    ForecastingError,
    Horizon,
    ItemForecast,
    Notice,
    Paths,
    RequestError,
    Series,
    System,
)


class ForecastNotFinite(RequestError):
    """Numbers so large, or so far apart, that calculating with them overflows."""

    def __init__(self, item_id: str) -> None:
        super().__init__(
            f"The forecast of series {item_id!r} is not a finite number.",
            hint="Its observations are too large, or too far apart: give them in another unit.",
            item_id=item_id,
        )


class NotReady(OperationError):
    """Something that the service needs is missing."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(f"Not ready: {'; '.join(missing)}.", hint="See the log of the service.")
        self.missing = tuple(missing)


@dataclass(frozen=True)
class Refusal:
    """A series that gets no forecast, and why."""

    item_id: str | None
    error: ForecastingError


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        model: `name`, `name@alias` or `name/3`.
        items: The series, in order; a refusal where one was none.
        horizon: How far.
        quantile_levels: Ascending.
        is_partial: Whether a series that cannot be forecast fails alone.
        paths: Which sample paths are wanted.
        rates: Whether the rate of change of the mean is wanted, too.
    """

    model: str
    items: tuple[Series | Refusal, ...]
    horizon: Horizon
    quantile_levels: tuple[float, ...]
    is_partial: bool
    paths: Paths = NO_PATHS
    rates: bool = False


@dataclass(frozen=True)
class Answer:
    """What was answered, and by which version.

    Attributes:
        name: The model.
        version: The number of the version.
        digest: Of its checkpoint.
        alias: By which alias it was asked for; None if by number.
        items: A forecast or a refusal for each series, in order.
        calibration: Of the version.
        points_in: Observations shown to it.
        points_out: Timestamps forecast.
        function_evaluations: Of its vector field.
        load_seconds: Until the version was found and loaded.
        forecast_seconds: For the forecast itself.
    """

    name: str
    version: int
    digest: str
    alias: str | None
    items: tuple[ItemForecast | Refusal, ...]
    calibration: CalibrationSummary
    points_in: int
    points_out: int
    function_evaluations: int
    load_seconds: float
    forecast_seconds: float


ServeLevels = Callable[[str, int, Sequence[float]], tuple[float, ...]]
"""Gives the quantile levels to compute in place of those asked for, which ascend, as do they."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A question of which all is known but the answer."""

    question: Question
    version: PinnedVersion
    forecaster: Forecaster
    items: tuple[Asked | Refusal, ...]
    served_levels: tuple[float, ...]
    load_seconds: float
    since: float

    @property
    def asked(self) -> list[Asked]:
        """What is to be computed."""
        return [one for one in self.items if isinstance(one, Asked)]

    @property
    def points_out(self) -> int:
        """Timestamps that are to be forecast."""
        return sum(len(one.positions) for one in self.asked)

    def part(self, items: slice) -> "Prepared":
        """The same of some of its series, to be answered from now on."""
        return replace(self, items=self.items[items], load_seconds=0.0, since=time.perf_counter())

    def ahead(self, first: Answer) -> Answer:
        """What can be said of the whole answer once its first part is there: all but the forecasts.

        Args:
            first: The answer to the first part.
        """
        return replace(
            first,
            items=tuple(one for one in self.items if isinstance(one, Refusal)),
            points_in=sum(len(one.series) for one in self.asked),
            points_out=self.points_out,
            function_evaluations=self.forecaster.num_evaluations(self.asked),
        )

    def answer(self, forecasts: Iterator[ItemForecast]) -> Answer:
        """The answer, from the forecasts of what was asked, in order."""
        items = _finite([self._as_asked(next(forecasts)) if isinstance(one, Asked) else one for one in self.items])
        _refuse_unless_partial(items, self.question)
        return Answer(
            name=self.version.name,
            version=self.version.number,
            digest=self.version.digest,
            alias=self.version.alias,
            items=items,
            calibration=self.forecaster.calibration,
            points_in=sum(len(one.series) for one in self.asked),
            points_out=sum(len(one.mean) for one in items if isinstance(one, ItemForecast)),
            function_evaluations=self.forecaster.num_evaluations(self.asked),
            load_seconds=self.load_seconds,
            forecast_seconds=time.perf_counter() - self.since,
        )

    def _as_asked(self, forecast: ItemForecast) -> ItemForecast:
        """A forecast under the levels that were asked for, where others were computed in their place."""
        asked = self.question.quantile_levels
        if self.served_levels == asked:
            return forecast
        quantiles = {level: forecast.quantiles[one] for level, one in zip(asked, self.served_levels, strict=True)}
        moves = ", ".join(
            f"{level:g} as {one:g}" for level, one in zip(asked, self.served_levels, strict=True) if level != one
        )
        notice = Notice(
            "intervals_adapted", f"By what came true of earlier forecasts, quantiles are served as others: {moves}."
        )
        return replace(forecast, quantiles=quantiles, notices=(*forecast.notices, notice))


class LoadedVersions:
    """Forecasters by digest: each loaded once, the least recently used dropped beyond a number of bytes.

    Args:
        max_bytes: Memory for all of them; the one in use is kept even if it alone takes more.
        load: Loads a checkpoint's folder.

    Attributes:
        num_found: How often a version asked for was in memory.
        num_missed: How often it was not.
    """

    def __init__(self, max_bytes: int, load: Callable[[Path], Forecaster] = Forecaster.load) -> None:
        self._max_bytes = max_bytes
        self._load = load
        self._lock = threading.Lock()
        self._loaded: OrderedDict[str, Forecaster] = OrderedDict()
        self._gates: dict[str, threading.Lock] = {}
        self.num_found = 0
        self.num_missed = 0

    def get(self, digest: str, path: Path) -> Forecaster:
        """The forecaster of a digest, from memory or from its folder.

        Raises:
            CheckpointError: The folder holds no usable checkpoint.
        """
        with self._lock:
            if digest in self._loaded:
                self.num_found += 1
                self._loaded.move_to_end(digest)
                return self._loaded[digest]
            self.num_missed += 1
            gate = self._gates.setdefault(digest, threading.Lock())
        with gate:
            with self._lock:
                found = self._loaded.get(digest)
            return found or self._keep(digest, self._load(path))

    def __len__(self) -> int:
        return len(self._loaded)

    @property
    def num_bytes(self) -> int:
        """Memory of all of them."""
        with self._lock:
            return self._num_bytes()

    def _num_bytes(self) -> int:
        return sum(one.num_bytes for one in self._loaded.values())

    def _keep(self, digest: str, forecaster: Forecaster) -> Forecaster:
        with self._lock:
            self._loaded[digest] = forecaster
            self._gates.pop(digest, None)
            while len(self._loaded) > 1 and self._num_bytes() > self._max_bytes:
                self._loaded.popitem(last=False)
        return forecaster


class Forecasting:
    """Answers questions with the version that their model means at that moment.

    Args:
        registry: Where versions are.
        loaded: Those in memory.
        max_steps: The longest horizon answered.
        max_values: The most values of one answer: steps of all its series, times quantile levels and sample paths.
        serve_levels: The quantile levels that a version, by name and number, computes in place of those asked for.
    """

    def __init__(
        self,
        registry: Registry,
        loaded: LoadedVersions,
        *,
        max_steps: int,
        max_values: int = 10**12,
        serve_levels: ServeLevels = lambda _name, _number, levels: tuple(levels),
    ) -> None:
        self._registry = registry
        self._serve_levels = serve_levels
        self._loaded = loaded
        self._max_steps = max_steps
        self._max_values = max_values

    def forecaster(self, version: Version | PinnedVersion) -> Forecaster:
        """A version, loaded."""
        return self._loaded.get(version.digest, self._registry.checkpoint_path(version))

    def answer(self, question: Question) -> Answer:
        """The forecasts asked for.

        Raises:
            ForecastingError: The version cannot be loaded, or a series that may not fail alone cannot be forecast.
        """
        ((_, answer),) = self.answer_each((question,))
        if isinstance(answer, ForecastingError):
            raise answer
        return answer

    def answer_each(self, questions: Sequence[Question | Prepared]) -> Iterator[tuple[int, Answer | ForecastingError]]:
        """The answers to several questions by their numbers, the quick ones first; those alike are computed together.

        What is alike are a version and a number of steps: then nothing has to be padded, and nobody waits for a longer
        forecast than his own. A question that cannot be answered is answered with its error.
        """
        groups: dict[object, list[tuple[int, Prepared]]] = defaultdict(list)
        for number, question in enumerate(questions):
            try:
                prepared = question if isinstance(question, Prepared) else self.prepare(question)
            except ForecastingError as error:
                yield number, error
            else:
                groups[prepared.forecaster, frozenset(one.num_steps for one in prepared.asked)].append(
                    (number, prepared)
                )
        for group in sorted(groups.values(), key=_num_steps):
            yield from _answer_together(group)

    def prepare(self, question: Question) -> Prepared:
        """A question with the version that answers it, and each series placed on its grid.

        Raises:
            ForecastingError: The version cannot be loaded, or a series that may not fail alone cannot be forecast.
        """
        started = time.perf_counter()
        _refuse_duplicates(question.items)
        version = self._registry.pin(question.model)
        forecaster = self.forecaster(version)
        loaded = time.perf_counter()
        served = self._serve_levels(version.name, version.number, question.quantile_levels)
        system = _system(forecaster, question.items)
        items = tuple(_ask(forecaster, item, question, served, self._max_steps, system) for item in question.items)
        _refuse_unless_partial(items, question)
        prepared = Prepared(question, version, forecaster, items, served, loaded - started, loaded)
        num_steps = sum(one.num_steps for one in prepared.asked)
        self._refuse_too_much(num_steps * max(1, len(question.quantile_levels) + question.paths.num_samples))
        return prepared

    def _refuse_too_much(self, num_values: int) -> None:
        if num_values > self._max_values:
            raise LimitExceeded(
                "values to forecast (steps of all series, times quantile levels and sample paths)",
                num_values,
                self._max_values,
                "LONGSHOT_MAX_FORECAST_VALUES",
            )


def _num_steps(group: list[tuple[int, Prepared]]) -> int:
    return sum(one.num_steps for _, prepared in group for one in prepared.asked)


def _answer_together(group: list[tuple[int, Prepared]]) -> Iterator[tuple[int, Answer | ForecastingError]]:
    forecaster = group[0][1].forecaster
    forecasts = iter(forecaster.answer([one for _, prepared in group for one in prepared.asked]))
    for number, prepared in group:
        own = islice(forecasts, len(prepared.asked))
        try:
            yield number, prepared.answer(own)
        except ForecastingError as error:
            yield number, error


def _refuse_duplicates(items: Sequence[Series | Refusal]) -> None:
    seen: set[str] = set()
    for one in items:
        if one.item_id is not None and one.item_id in seen:
            raise DuplicateItems(one.item_id)
        seen.add(one.item_id or "")


def _system(forecaster: Forecaster, items: Sequence[Series | Refusal]) -> System | ForecastingError | None:
    """What the series have in common, or why they are no system."""
    try:
        return forecaster.system(one for one in items if isinstance(one, Series))
    except ForecastingError as error:
        return error


def _ask(
    forecaster: Forecaster,
    item: Series | Refusal,
    question: Question,
    levels: Sequence[float],
    max_steps: int,
    system: System | ForecastingError | None,
) -> Asked | Refusal:
    if isinstance(item, Refusal):
        return item
    try:
        forecaster.require_channel(item.item_id)
        if isinstance(system, ForecastingError):
            return Refusal(item.item_id, system)
        return forecaster.ask(
            item,
            question.horizon,
            levels,
            paths=question.paths,
            rates=question.rates,
            max_steps=max_steps,
            system=system,
        )
    except ForecastingError as error:
        return Refusal(item.item_id, error)


def _refuse_unless_partial(items: Sequence[object], question: Question) -> None:
    refused = next((one for one in items if isinstance(one, Refusal)), None)
    if refused is not None and not question.is_partial:
        raise refused.error


def _finite(items: Sequence[ItemForecast | Refusal]) -> tuple[ItemForecast | Refusal, ...]:
    """The same, with a refusal in the place of each forecast that is not finite."""
    paths = [path for one in items if isinstance(one, ItemForecast) for path in (one.mean, *one.quantiles.values())]
    # One look at all of them is enough for nearly every answer.
    if not paths or np.isfinite(np.concatenate(paths)).all():
        return tuple(items)
    return tuple(one if isinstance(one, Refusal) or _is_finite(one) else _not_finite(one) for one in items)


def _is_finite(forecast: ItemForecast) -> bool:
    return all(np.isfinite(path).all() for path in (forecast.mean, *forecast.quantiles.values()))


def _not_finite(forecast: ItemForecast) -> Refusal:
    return Refusal(forecast.item_id, ForecastNotFinite(forecast.item_id))

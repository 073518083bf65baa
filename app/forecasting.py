"""Use case: answer a forecast with the right version (resolve, load once, refuse series by series)."""

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from app.errors import LimitExceeded, OperationError
from app.references import PinnedVersion
from app.registry import Registry, Version
from model import (
    Asked,
    CalibrationSummary,
    DuplicateItems,
    Forecaster,
    ForecastingError,
    Horizon,
    ItemForecast,
    RequestError,
    Series,
    ask,
)

Result = TypeVar("Result")


class DeadlineExceeded(OperationError):
    """A request that took longer than the service gives it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"There was no answer within {seconds:g} seconds.",
            hint="Ask for less at once, or have the operator raise LONGSHOT_FORECAST_TIMEOUT_SECONDS.",
        )
        self.seconds = seconds


class ServiceBusy(OperationError):
    """More requests are waiting than the service holds."""

    def __init__(self, num_waiting: int) -> None:
        super().__init__(f"{num_waiting} forecasts are waiting already.", hint="Try again in a moment.")
        self.num_waiting = num_waiting


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
    """

    model: str
    items: tuple[Series | Refusal, ...]
    horizon: Horizon
    quantile_levels: tuple[float, ...]
    is_partial: bool


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


class LoadedVersions:
    """Forecasters by digest: each loaded once, the least recently used dropped beyond a number of bytes.

    Args:
        max_bytes: Memory for all of them; the one in use is kept even if it alone takes more.
        load: Loads a checkpoint's folder.
    """

    def __init__(self, max_bytes: int, load: Callable[[Path], Forecaster] = Forecaster.load) -> None:
        self._max_bytes = max_bytes
        self._load = load
        self._lock = threading.Lock()
        self._loaded: OrderedDict[str, Forecaster] = OrderedDict()
        self._gates: dict[str, threading.Lock] = {}

    def get(self, digest: str, path: Path) -> Forecaster:
        """The forecaster of a digest, from memory or from its folder.

        Raises:
            CheckpointError: The folder holds no usable checkpoint.
        """
        with self._lock:
            if digest in self._loaded:
                self._loaded.move_to_end(digest)
                return self._loaded[digest]
            gate = self._gates.setdefault(digest, threading.Lock())
        with gate:
            with self._lock:
                found = self._loaded.get(digest)
            return found or self._keep(digest, self._load(path))

    def __len__(self) -> int:
        return len(self._loaded)

    def _keep(self, digest: str, forecaster: Forecaster) -> Forecaster:
        with self._lock:
            self._loaded[digest] = forecaster
            self._gates.pop(digest, None)
            while len(self._loaded) > 1 and sum(one.num_bytes for one in self._loaded.values()) > self._max_bytes:
                self._loaded.popitem(last=False)
        return forecaster


class Forecasting:
    """Answers questions with the version that their model means at that moment.

    Args:
        registry: Where versions are.
        loaded: Those in memory.
        max_steps: The longest horizon answered.
        max_values: The most values of one answer: steps of all its series, times quantile levels.
    """

    def __init__(self, registry: Registry, loaded: LoadedVersions, *, max_steps: int, max_values: int = 10**12) -> None:
        self._registry = registry
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
        started = time.perf_counter()
        _refuse_duplicates(question.items)
        version = self._registry.pin(question.model)
        forecaster = self.forecaster(version)
        loaded = time.perf_counter()
        checked = [_ask(item, question, self._max_steps) for item in question.items]
        _refuse_unless_partial(checked, question)
        asked = [one for one in checked if isinstance(one, Asked)]
        self._refuse_too_much(sum(one.num_steps for one in asked) * max(1, len(question.quantile_levels)))
        forecasts = iter(forecaster.answer(asked))
        items = tuple(_finite(next(forecasts)) if isinstance(one, Asked) else one for one in checked)
        _refuse_unless_partial(items, question)
        return Answer(
            name=version.name,
            version=version.number,
            digest=version.digest,
            alias=version.alias,
            items=items,
            calibration=forecaster.calibration,
            points_in=sum(len(one.series) for one in asked),
            points_out=sum(len(one.mean) for one in items if isinstance(one, ItemForecast)),
            function_evaluations=forecaster.num_evaluations(asked),
            load_seconds=loaded - started,
            forecast_seconds=time.perf_counter() - loaded,
        )

    def _refuse_too_much(self, num_values: int) -> None:
        if num_values > self._max_values:
            raise LimitExceeded(
                "values to forecast (steps of all series, times quantile levels)",
                num_values,
                self._max_values,
                "LONGSHOT_MAX_FORECAST_VALUES",
            )


class Bench:
    """Threads for forecasts, apart from those that answer everything else, so that nothing else waits for them.

    Args:
        num_threads: Forecasts computed at once.
        max_waiting: Forecasts that may wait beside them.
        timeout_seconds: How long a request waits for its answer; its computation is then left to end unheard.
    """

    def __init__(self, *, num_threads: int, max_waiting: int, timeout_seconds: float) -> None:
        self._threads = ThreadPoolExecutor(num_threads, thread_name_prefix="forecast")
        self._capacity = num_threads + max_waiting
        self._timeout_seconds = timeout_seconds
        self._num_taken = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of some work, computed on one of the threads.

        Raises:
            ServiceBusy: Too many are waiting.
            DeadlineExceeded: It took too long.
        """
        if self._num_taken >= self._capacity:
            raise ServiceBusy(self._num_taken)
        self._num_taken += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(self._release)
        try:
            return await asyncio.wait_for(asyncio.shield(future), self._timeout_seconds)
        except TimeoutError as error:
            raise DeadlineExceeded(self._timeout_seconds) from error

    def close(self) -> None:
        """Lets no more work begin."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _release(self, future: "asyncio.Future[Result]") -> None:
        self._num_taken -= 1
        if not future.cancelled():
            future.exception()


def _refuse_duplicates(items: Sequence[Series | Refusal]) -> None:
    seen: set[str] = set()
    for one in items:
        if one.item_id is not None and one.item_id in seen:
            raise DuplicateItems(one.item_id)
        seen.add(one.item_id or "")


def _ask(item: Series | Refusal, question: Question, max_steps: int) -> Asked | Refusal:
    if isinstance(item, Refusal):
        return item
    try:
        return ask(item, question.horizon, question.quantile_levels, max_steps=max_steps)
    except ForecastingError as error:
        return Refusal(item.item_id, error)


def _refuse_unless_partial(items: Sequence[object], question: Question) -> None:
    refused = next((one for one in items if isinstance(one, Refusal)), None)
    if refused is not None and not question.is_partial:
        raise refused.error


def _finite(forecast: ItemForecast) -> ItemForecast | Refusal:
    if all(np.isfinite(values).all() for values in (forecast.mean, *forecast.quantiles.values())):
        return forecast
    return Refusal(forecast.item_id, ForecastNotFinite(forecast.item_id))

"""Use case: judge observations by the forecasts of the right version, refusing series by series."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.errors import LimitExceeded
from app.forecasting import Forecasting, ForecastNotFinite, Refusal, refuse_duplicates, refuse_unless_partial
from app.stores.references import ModelReference
from app.stores.registry import Registry
from app.stores.versions import Version
from model import (
    CalibrationSummary,
    Forecaster,
    ForecastingError,
    ItemAnomalies,
    Panel,
    Search,
    Series,
    count_cutoffs,
    find_anomalies,
)


@dataclass(frozen=True)
class Suspicion:
    """What is to be judged.

    Attributes:
        model: `name`, `name@alias` or `name/3`.
        items: The series, in order; a refusal where one was none.
        search: Which of their observations, and how.
        is_partial: Whether a series that cannot be judged fails alone.
    """

    model: str
    items: tuple[Series | Refusal, ...]
    search: Search
    is_partial: bool


@dataclass(frozen=True)
class Verdict:
    """What was judged, and by which version.

    Attributes:
        version: The version.
        alias: By which alias it was asked for; None if by number.
        items: The observations judged or a refusal for each series, in order.
        calibration: Of the version.
        points_in: Observations shown to it.
        points_out: Observations judged.
        load_seconds: Until the version was found and loaded.
        judge_seconds: For the judging itself.
    """

    version: Version
    alias: str | None
    items: tuple[ItemAnomalies | Refusal, ...]
    calibration: CalibrationSummary
    points_in: int
    points_out: int
    load_seconds: float
    judge_seconds: float


class Detection:
    """Judges observations with registered versions.

    Args:
        registry: Where versions are.
        forecasting: Which keeps them loaded.
        max_cutoffs: Most forecasts, each from its own cutoff, that one request may take.
    """

    def __init__(self, registry: Registry, forecasting: Forecasting, *, max_cutoffs: int) -> None:
        self._registry = registry
        self._forecasting = forecasting
        self._max_cutoffs = max_cutoffs

    def judge(self, suspicion: Suspicion) -> Verdict:
        """The observations asked for, beside what was expected of them.

        Raises:
            ForecastingError: The version cannot be loaded, a series that may not fail alone cannot be judged, or it is
                too much at once.
        """
        started = time.perf_counter()
        refuse_duplicates(suspicion.items)
        version = self._registry.resolve(suspicion.model)
        forecaster = self._forecasting.forecaster(version)
        loaded = time.perf_counter()
        checked = self._check(forecaster, suspicion)
        series = tuple(one for one in checked if isinstance(one, Series))
        found = find_anomalies(forecaster, Panel(series), suspicion.search) if series else ()
        judged = {one.item_id: _finite(one) for one in found}
        items = tuple(judged[one.item_id] if isinstance(one, Series) else one for one in checked)
        refuse_unless_partial(items, is_partial=suspicion.is_partial)
        return Verdict(
            version=version,
            alias=ModelReference.parse(suspicion.model).alias,
            items=items,
            calibration=forecaster.calibration,
            points_in=sum(map(len, series)),
            points_out=sum(len(one.values) for one in items if isinstance(one, ItemAnomalies)),
            load_seconds=loaded - started,
            judge_seconds=time.perf_counter() - loaded,
        )

    def _check(self, forecaster: Forecaster, suspicion: Suspicion) -> tuple[Series | Refusal, ...]:
        checked: list[Series | Refusal] = []
        num_cutoffs = 0
        for item in suspicion.items:
            try:
                if isinstance(item, Series):
                    num_cutoffs += count_cutoffs(forecaster, item, suspicion.search, at_most=self._max_cutoffs)
                checked.append(item)
            except ForecastingError as error:
                checked.append(Refusal(item.item_id, error))
            if num_cutoffs > self._max_cutoffs:
                raise LimitExceeded("or more forecasts to make", num_cutoffs, self._max_cutoffs, "LONGSHOT_MAX_CUTOFFS")
        checked = _as_system(forecaster, checked)
        refuse_unless_partial(checked, is_partial=suspicion.is_partial)
        return tuple(checked)


def _as_system(forecaster: Forecaster, items: Sequence[Series | Refusal]) -> list[Series | Refusal]:
    """The same; where a version forecasts a system, no series of one that is not whole."""
    try:
        forecaster.system(one for one in items if isinstance(one, Series))
    except ForecastingError as error:
        return [Refusal(one.item_id, error) if isinstance(one, Series) else one for one in items]
    return list(items)


def _finite(found: ItemAnomalies) -> ItemAnomalies | Refusal:
    if all(np.isfinite(values).all() for values in (found.lower, found.expected, found.upper)):
        return found
    return Refusal(found.item_id, ForecastNotFinite(found.item_id))

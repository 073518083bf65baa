"""Observations of a payload, judged by forecasts made before them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from app.anomalies import Detection, Suspicion
from app.compat.nixtla import versions, windows
from app.compat.nixtla.answers import AnomalyAnswer, name_of
from app.compat.nixtla.features import name_features
from app.compat.nixtla.payloads import AnomalyPayload, OnlineAnomalyPayload
from app.compat.nixtla.windows import MIN_HISTORY, Rows
from app.errors import LimitExceeded
from app.routes.bodies import to_json
from app.routes.permissions import SpendPoints
from app.routes.resources import Resources
from app.schemas.refusals import OptionUnsupported
from app.stores.references import PinnedVersion
from model import ItemAnomalies, Search, SeriesTooShort, TrainingConfig


@dataclass(frozen=True)
class _Plan:
    """What is judged of each series, and how.

    Attributes:
        last: How many of its last rows.
        lead: Steps that one forecast is used for.
    """

    last: tuple[int, ...]
    lead: int


def judge(service: Resources, spend: SpendPoints, payload: AnomalyPayload) -> bytes:
    """Which observations lie outside their intervals, as the package reads it.

    Raises:
        ForecastingError: It cannot be answered.
    """
    settings = service.settings
    payload.series.check_size(max_series=settings.max_series, max_points=settings.max_points)
    rows = windows.read_rows_of(payload)
    version = versions.pin(service, payload.model, payload.finetuned_model_id)
    config = versions.load(service, version, payload.freq).config
    names = name_features(payload, len(payload.hist_exog or ()), version, config)
    rows = tuple(one.with_covariates(names) for one in rows)
    plan = _plan(payload, rows, config)
    num_cutoffs = sum(ceil(last / plan.lead) for last in plan.last)
    if num_cutoffs > settings.max_cutoffs:
        raise LimitExceeded("forecasts to make", num_cutoffs, settings.max_cutoffs, "LONGSHOT_MAX_CUTOFFS")
    for one, last in zip(rows, plan.last, strict=True):
        _refuse_missing(one, last)
    found = _find(service, version, rows, plan, payload.level)
    spend(payload.series.num_points + sum(plan.last))
    return to_json(_answer(found, rows, version, payload.level))


def _plan(payload: AnomalyPayload, rows: Sequence[Rows], config: TrainingConfig) -> _Plan:
    if not isinstance(payload, OnlineAnomalyPayload):
        return _Plan(tuple(_all_but_context(one, config) for one in rows), config.horizon)
    for one in rows:
        needed = payload.detection_size + MIN_HISTORY
        if len(one) < needed:
            raise SeriesTooShort(one.name, len(one), needed, f"judging the last {payload.detection_size}")
    return _Plan((payload.detection_size,) * len(rows), payload.step_size or payload.h)


def _all_but_context(rows: Rows, config: TrainingConfig) -> int:
    """All that have a context before them; of a series that is too short for that, its second half."""
    if len(rows) <= MIN_HISTORY:
        raise SeriesTooShort(rows.name, len(rows), MIN_HISTORY + 1, "judging its own past")
    return len(rows) - max(MIN_HISTORY, min(config.context_length, len(rows) // 2))


def _refuse_missing(rows: Rows, last: int) -> None:
    missing = np.flatnonzero(np.isnan(rows.values[-last:]))
    if len(missing):
        raise OptionUnsupported(
            "y",
            f"{rows.name} has no observation at its row {len(rows) - last + int(missing[0])}, and what is missing "
            "cannot be judged",
            "Fill it, or judge a part of the series without gaps.",
        )


def _find(
    service: Resources, version: PinnedVersion, rows: Sequence[Rows], plan: _Plan, level: float
) -> list[ItemAnomalies]:
    """What was found of each series; those of which as much is judged are judged together."""
    detection = Detection(service.registry, service.forecasting, max_cutoffs=service.settings.max_cutoffs)
    found: dict[str, ItemAnomalies] = {}
    for last in sorted(set(plan.last)):
        items = tuple(one.history(len(one)) for one, its_last in zip(rows, plan.last, strict=True) if its_last == last)
        suspicion = Suspicion(str(version), items, Search(level, last, None, plan.lead), is_partial=False)
        # Nothing was allowed to fail alone.
        judged = (one for one in detection.judge(suspicion).items if isinstance(one, ItemAnomalies))
        found |= {one.item_id: one for one in judged}
    for one, last in zip(rows, plan.last, strict=True):
        if len(found[one.name].values) != last:
            raise OptionUnsupported(
                "y",
                f"{one.name} has a gap before what is to be judged that no interval is calibrated for",
                "Fill the gap, or judge a part of the series without gaps.",
            )
    return [found[one.name] for one in rows]


def _answer(
    found: Sequence[ItemAnomalies], rows: Sequence[Rows], version: PinnedVersion, level: float
) -> AnomalyAnswer:
    def together(part: Callable[[ItemAnomalies], np.ndarray]) -> np.ndarray:
        return np.concatenate([part(one) for one in found])

    sizes = np.array([len(one.values) for one in found])
    ends = np.array([one.first + len(one) for one in rows])
    return AnomalyAnswer(
        together(lambda one: one.expected),
        {
            f"lo-{name_of(level)}": together(lambda one: one.lower),
            f"hi-{name_of(level)}": together(lambda one: one.upper),
        },
        str(version),
        (),
        sizes=sizes,
        idxs=np.concatenate([np.arange(end - size, end) for end, size in zip(ends, sizes, strict=True)]),
        anomaly=together(lambda one: one.is_anomaly),
        anomaly_score=together(lambda one: one.scores),
    )

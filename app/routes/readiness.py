"""Whether the service can do its work, proved by doing some of it."""

from dataclasses import dataclass

import numpy as np

from app.errors import NotReady
from app.forecasting import Question
from app.routes.resources import Resources
from app.stores.references import PRODUCTION
from app.stores.versions import Version
from model import ForecastingError, RawCovariates, Series, Steps

_NUM_STEPS = 2


@dataclass(frozen=True)
class Readiness:
    """What was proved: which version forecast, and whether a worker lives; no version where none is registered."""

    status: str
    version: str | None
    worker_alive: bool


def check_readiness(service: Resources) -> Readiness:
    """Forecasts with a version in production, writes to the home folder, and looks for a worker.

    Raises:
        NotReady: Something is missing.
    """
    missing: list[str] = []
    version: Version | None = None
    try:
        service.settings.make_home()
        version = _newest_in_production(service)
        if version is not None:
            service.forecasting.answer(_question(version))
    except ForecastingError as error:
        missing.append(error.detail.rstrip("."))
    worker_alive = service.worker_alive(service.database)
    if service.settings.worker and not worker_alive:
        missing.append("no worker has been seen lately")
    if missing:
        raise NotReady(missing)
    return Readiness("ready", str(version) if version else None, worker_alive)


def _newest_in_production(service: Resources) -> Version | None:
    named = [one.name for one in service.registry.models() if any(alias.alias == PRODUCTION for alias in one.aliases)]
    versions = [service.registry.resolve(name) for name in named]
    return max(versions, key=lambda version: version.created_at, default=None)


def _question(version: Version) -> Question:
    values = [*np.sin(np.arange(version.config.context_length) / 7), *[None] * _NUM_STEPS]
    scheme = version.config.covariates
    signals = {one.name: [one.mean] * len(values) for one in (*scheme.past, *scheme.future)}
    facts = {one.name: one.mean for one in scheme.measures} | {one.name: one.values[0] for one in scheme.choices}
    covariates = RawCovariates(future=signals, static=facts)
    series = tuple(
        Series.from_grid(name, "2026-01-01", version.config.freq, values, covariates=covariates)
        for name in version.config.channels or ("readiness",)
    )
    return Question(str(version), series, Steps(_NUM_STEPS), (0.1, 0.5, 0.9), is_partial=False)

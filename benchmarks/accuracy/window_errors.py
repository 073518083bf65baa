"""How far forecasts of windows are from what happened, and how often their intervals cover it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.configuration.config import DEFAULT_QUANTILE_LEVELS
from model.contexts.windows import Windows
from model.networks.past import Past

LEVELS = DEFAULT_QUANTILE_LEVELS
"""Of the quantiles of every forecast."""

_PAIRS = (LEVELS.index(0.1), LEVELS.index(0.025))


@dataclass(frozen=True)
class Errors:
    """How far forecasts were from what happened.

    Attributes:
        mse: Mean square error of the mean.
        mae: Mean absolute error of the mean.
        coverage_80: Share of the truth inside the calibrated 80 % interval.
        coverage_95: The same at 95 %.
        late_coverage_80: That at 80 % over the last quarter of the leads.
        late_coverage_95: The same at 95 %.
    """

    mse: float
    mae: float
    coverage_80: float = 0.0
    coverage_95: float = 0.0
    late_coverage_80: float = 0.0
    late_coverage_95: float = 0.0


Pasts = Callable[[int, int], list[Past]]
"""All that is known before each window, of a season and a period, for whoever looks farther back than its context."""

Forecasts = Callable[[Tensor, Pasts], tuple[Tensor, Tensor]]
"""From contexts and pasts to means (batch, horizon) and quantiles (batch, horizon, levels)."""


def errors_of(forecasts: Forecasts, windows: Windows, values: NDArray[np.float64], *, removed: float = 0.0) -> Errors:
    """In units of the training part's deviation, over all windows."""
    # Windows hold each series in units of its own deviation over all its rows.
    units = torch.from_numpy(values.std(0)).to(windows.values.device)
    late = torch.arange(windows.horizon) >= windows.horizon * 3 // 4
    generator = torch.Generator().manual_seed(0)
    totals = torch.zeros(8, dtype=torch.float64)
    for numbers in windows.groups(512):
        batch = windows.batch(numbers)
        unit = units[torch.div(windows.places(numbers), len(values), rounding_mode="floor")]
        context = batch.context.double()
        if removed:
            context = bridged(context, torch.rand(context.shape, generator=generator).to(context.device) >= removed)
        mean, quantiles = forecasts(context, partial(_pasts, windows, numbers, context))
        error = (batch.target - mean) * unit[:, None]
        known, known_late = batch.known, batch.known & late.to(batch.known.device)
        inside = [
            (batch.target >= quantiles[..., pair]) & (batch.target <= quantiles[..., -1 - pair]) for pair in _PAIRS
        ]
        shares = [(one & some).sum() for some in (known, known_late) for one in inside]
        sums = [(error.square() * known).sum(), (error.abs() * known).sum(), *shares, known.sum(), known_late.sum()]
        totals += torch.stack(sums).cpu()
    all_known, late_known = totals[6], totals[7]
    return Errors(*(totals[:4] / all_known).tolist(), *(totals[4:6] / late_known).tolist())


def _pasts(windows: Windows, numbers: Tensor, contexts: Tensor, season: int, period: int) -> list[Past]:
    """What is known before windows, ending with contexts that may not be as they were."""
    pasts = []
    for start, context in zip(windows.places(numbers).tolist(), contexts.cpu(), strict=True):
        values, observed = windows.past(start)
        known = torch.cat([values[: -len(context)].cpu().double(), context])
        pasts.append(Past(known, observed.cpu(), season, period))
    return pasts


def bridged(context: Tensor, kept: Tensor) -> Tensor:
    """Values that were not kept are linear between those that were; the last one always is."""
    kept[:, -1] = True
    places = torch.arange(context.shape[1], device=context.device).expand_as(context)
    after = torch.where(kept, places, context.shape[1]).flip(1).cummin(1).values.flip(1)
    before = torch.where(kept, places, -1).cummax(1).values
    before = torch.where(before < 0, after, before)
    share = (places - before) / (after - before).clamp_min(1)
    return context.gather(1, before) * (1 - share) + context.gather(1, after) * share

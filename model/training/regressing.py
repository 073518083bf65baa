"""The regression on signals known in advance, solved on training windows beside a line, and kept where it helps.

What is left of the values goes on as a line W says, and W is that of what is left. So the two are solved in turn, as
for a regression whose errors are autocorrelated (Cochrane and Orcutt, 1949):

    W = ridge of what w leaves            w = argmin Σ ‖(y − c W) − (U_ahead − U_past W) w‖²

where c and y are context and targets less the context's level, and U the signals, likewise less their mean there.
"""

import torch
from torch import Tensor

from model.configuration.config import TrainingConfig
from model.contexts.inputs import Inputs
from model.contexts.scaling import Scale
from model.contexts.splitting import Split
from model.contexts.windows import Windows
from model.networks.exogenous import MEMORY
from model.networks.regression import Regression
from model.training.blending import ridge

ROUNDS = 4
STRENGTH = 1.0
"""Of the line's ridge."""

_CAUTION = 1e-3
"""Of the regression's own ridge, in units of the mean eigenvalue."""

CLEARLY_BETTER = 0.98
MAX_WINDOWS = 4096
_BATCH = 256


def regressed(config: TrainingConfig, longest: Split) -> Tensor | None:
    """The weights of a regression, 0 where a line does no better with them on validation windows; None without one.

    Args:
        config: Of the training.
        longest: The windows of the horizon.
    """
    if not config.regression:
        return None
    regression = Regression(config.covariates).to(longest.training.values.device)
    _solve(regression, longest)
    return regression.weights


@torch.no_grad()
def _solve(regression: Regression, longest: Split) -> None:
    training = longest.training.thinned(MAX_WINDOWS)
    judged = longest.validation.thinned(MAX_WINDOWS)
    regression.weights.zero_()
    without = _sums(judged, ridge(training, regression)(STRENGTH), regression)
    for _ in range(ROUNDS):
        squares, products, _ = _sums(training, ridge(training, regression)(STRENGTH), regression)
        squares += _CAUTION * squares.diagonal().mean().clamp_min(1e-12) * torch.eye(len(squares)).to(squares)
        regression.weights.copy_(torch.linalg.solve(squares, products))
    found = _sums(judged, ridge(training, regression)(STRENGTH), regression)
    if not _error(found, regression.weights) < CLEARLY_BETTER * _error(without, torch.zeros_like(regression.weights)):
        regression.weights.zero_()


_Sums = tuple[Tensor, Tensor, Tensor]


def _sums(windows: Windows, line: Tensor, regression: Regression) -> _Sums:
    """Of the effects E of each tap and the line's errors r: Σ EᵀE, Σ Eᵀr and Σ r², over observed targets."""
    totals: list[Tensor] = []
    for numbers in windows.groups(_BATCH):
        batch = windows.batch(numbers)
        assert batch.inputs is not None, "a regression was asked without covariates"
        scale = Scale.of(batch.context)
        errors = scale.remove(batch.target) - scale.remove(batch.context) @ line
        effects = regression.missed(batch.inputs, line, _said(windows, numbers, batch.inputs, line, regression))
        known = batch.known & (scale.spread > 0)
        effects, errors = effects[known].double(), errors[known].double()
        parts = [effects.mT @ effects, effects.mT @ errors, errors @ errors]
        totals = [one + two for one, two in zip(totals, parts, strict=True)] if totals else parts
    squares, products, total = totals
    return squares, products, total


def _said(windows: Windows, numbers: Tensor, inputs: Inputs, line: Tensor, regression: Regression) -> Tensor:
    """What a line says of each tap of windows, in whichever way computes less."""
    places = windows.places(numbers)
    if windows.beside is None or int(places.max() - places.min()) >= MEMORY * len(places) // 2:
        return regression.said(inputs, line)
    return regression.said_of_neighbours(windows.beside.signals, places, line)


def _error(sums: _Sums, weights: Tensor) -> float:
    """The sum of squares that these weights leave."""
    squares, products, total = sums
    wanted = weights.double()
    return float(total - 2 * wanted @ products + wanted @ squares @ wanted)

"""The line beside a trained flow: solved on training windows, its strength and its share chosen on validation windows.

    W = argmin  Σ ‖y − c W‖² + strength · λ ‖W‖²

where a window's context c is less its level, its targets y less that level or less its last value, and λ is the mean
eigenvalue of Σ cᵀc. So a strong ridge says the level, as suits what returns to it, or the last value, as suits what
wanders off. Nothing else is scaled: a window weighs by its own spread, as it does in a mean square error, and strength
and kind are chosen by the same error. The share is chosen by the loss that the flow's mean was trained with, in units
of each window's spread: else the few windows that swing widest decide, and validation has fewer still of them that do
not overlap.

One line for all series says of each what is usual after such a context. Where a series goes on as its own last season
was, more than others do, that season, repeated, has a share in the line.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.contexts.scaling import Scale
from model.contexts.splitting import Split
from model.contexts.windows import Batch, Windows
from model.networks.linear import LinearPath
from model.networks.loss import huber, mean_weights
from model.networks.network import ShootingNetwork
from model.networks.regression import Regression
from model.training.evidence import Kinship, is_real

STRENGTHS = (100.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
"""Of the ridge, the most cautious first."""

SHARES = (0.5, 0.25, 0.75, 0.0, 1.0)
"""Of the line, in order of preference: equal weights are seldom beaten by chosen ones (Smith and Wallis, 2009)."""

SEASON_SHARES = (0.25, 0.5)
"""Of the last season in the line; none of them unless its gain is more than chance."""

CLEARLY_BETTER = 0.95
"""A line around the last value has to have so much less error than one around the level."""

TOLERANCE = 1.01
"""Losses up to so many times the least one count as good as it: a share is a half unless another is better."""

MAX_TRAINING_WINDOWS = 50_000
MAX_VALIDATION_WINDOWS = 512
_BATCH = 2048


@dataclass(frozen=True)
class LineForm:
    """How a line follows from windows.

    Attributes:
        strength: Of the ridge, in units of the mean eigenvalue.
        anchored: Whether a strong ridge says the last value, in place of the level.
        season_share: Of the last season, repeated.
        season_length: Its steps.
    """

    strength: float
    anchored: bool
    season_share: float
    season_length: int

    @torch.inference_mode()
    def solved(self, windows: Windows, regression: Regression | None = None) -> Tensor:
        """The weights by these windows, less what a regression explains of them."""
        weights = ridge(windows, regression)(self.strength, anchored=self.anchored)
        return _seasonal(weights, self.season_length, self.season_share)


@torch.inference_mode()
def blend(network: ShootingNetwork, parts: Sequence[Split], season_length: int) -> LineForm | None:
    """Gives the network its line, where it has room for one, and returns how that was solved.

    Args:
        network: Trained.
        parts: The windows of the horizon and of shorter ones, the longest last, whatever the flow was trained on: a
            version is asked for all of them, and shorter ones have more windows that do not overlap.
        season_length: Steps of a season.
    """
    line = network.linear
    if line is None:
        return None
    network.eval()
    seen = [_Seen(network, part.validation) for part in parts if len(part.validation)]

    def loss(share: float) -> float:
        line.share.fill_(share)
        return sum(one.loss() for one in seen)

    strength, anchored = _solve(line, ridge(parts[-1].training, network.regression), seen)
    season_share = _weigh_season(line, seen, season_length) if 1 < season_length <= len(line.weights) else 0.0
    line.share.fill_(_first_good(SHARES, loss))
    return LineForm(strength, anchored, season_share, season_length)


@torch.inference_mode()
def line_beside(network: ShootingNetwork, parts: Sequence[Split]) -> Tensor:
    """The weights of the line by itself, as it is best on validation windows; it is left in the network.

    Args:
        network: With room for a line. What its flow says is of no account.
        parts: As for `blend`.
    """
    line = network.linear
    assert line is not None, "a network without a line was asked for one"
    seen = [_Seen(network, part.validation) for part in parts if len(part.validation)]
    _solve(line, ridge(parts[-1].training, network.regression), seen)
    return line.weights.clone()


@dataclass(frozen=True, eq=False)
class Ridge:
    """The lines of windows, of any strength, by one decomposition.

    Attributes:
        values: The eigenvalues of Σ cᵀc, ascending; shape (L,).
        vectors: Its eigenvectors, as columns.
        level: Σ cᵀy along them, y being less the level; shape (L, H).
        last: The same, y being less the last value.
    """

    values: Tensor
    vectors: Tensor
    level: Tensor
    last: Tensor

    def __call__(self, strength: float, *, anchored: bool = False) -> Tensor:
        """The weights of a line; around the last value if anchored, else around the level."""
        ridge = strength * self.values.mean().clamp_min(1e-300)
        weights = self.vectors @ ((self.last if anchored else self.level) / (self.values + ridge)[:, None])
        weights[-1] += float(anchored)
        return weights.float()


@torch.inference_mode()
def ridge(windows: Windows, regression: Regression | None = None) -> Ridge:
    """The lines of windows; unknown targets count as the level, or the last value.

    Args:
        windows: What to solve by.
        regression: What it explains of them is taken out first.
    """
    windows = windows.thinned(MAX_TRAINING_WINDOWS)
    length, horizon, device = windows.context_length, windows.horizon, windows.values.device
    squares = torch.zeros(length, length, dtype=torch.float64, device=device)
    by_level, by_last = torch.zeros(2, length, horizon, dtype=torch.float64, device=device)
    for numbers in windows.groups(_BATCH):
        batch = windows.batch(numbers) if regression is None else regression.cleared_batch(windows.batch(numbers))
        level = batch.context.mean(1, keepdim=True)
        context, target = batch.context - level, (batch.target - level) * batch.known
        squares += (context.mT @ context).double()
        by_level += (context.mT @ target).double()
        by_last += (context.mT @ (target - context[:, -1:] * batch.known)).double()
    values, vectors = torch.linalg.eigh(squares)
    return Ridge(values, vectors, vectors.mT @ by_level, vectors.mT @ by_last)


def _solve(line: LinearPath, solved: Ridge, seen: Sequence["_Seen"]) -> tuple[float, bool]:
    """Gives the line the weights that err least as all that is said; returns its strength, and whether anchored."""

    def error(strength: float, *, anchored: bool) -> float:
        line.weights.copy_(solved(strength, anchored=anchored))
        return sum(one.error() for one in seen)

    line.share.fill_(1.0)
    by_level, by_last = ({one: error(one, anchored=anchored) for one in STRENGTHS} for anchored in (False, True))
    anchored = min(by_last.values()) < CLEARLY_BETTER * min(by_level.values())
    errors = by_last if anchored else by_level
    strength = min(STRENGTHS, key=errors.__getitem__)
    line.weights.copy_(solved(strength, anchored=anchored))
    return strength, anchored


def _weigh_season(line: LinearPath, seen: Sequence["_Seen"], season_length: int) -> float:
    """Gives the last season a share in the line, where a forecast that is half the line's gains by it; returns it."""
    without = line.weights.clone()
    line.share.fill_(SHARES[0])

    def errors(share: float) -> Tensor:
        line.weights.copy_(_seasonal(without, season_length, share))
        return torch.cat([one.errors() for one in seen])

    before, kinship = errors(0.0), Kinship.together([one.kinship(line.weights.shape[1]) for one in seen])
    gains = {share: before - errors(share) for share in SEASON_SHARES}
    real = [share for share, gain in gains.items() if is_real(gain, kinship)]
    best = max(real, key=lambda share: float(gains[share].sum()), default=0.0)
    line.weights.copy_(_seasonal(without, season_length, best))
    return best


def _seasonal(weights: Tensor, season_length: int, share: float) -> Tensor:
    """The weights of a line that the last season, repeated, has a share in."""
    return torch.lerp(weights, _repeating(weights, season_length), share) if share else weights


def _repeating(weights: Tensor, season_length: int) -> Tensor:
    """The weights of a line, of the same shape, that repeats the last season."""
    leads = torch.arange(weights.shape[1], device=weights.device)
    repeating = torch.zeros_like(weights)
    repeating[len(weights) - season_length + leads % season_length, leads] = 1
    return repeating


class _Seen:
    """Validation windows of one horizon, with what the flow says of them."""

    def __init__(self, network: ShootingNetwork, windows: Windows) -> None:
        self._network = network
        self._windows = windows.thinned(MAX_VALIDATION_WINDOWS)
        self._numbers = torch.arange(len(self._windows), device=windows.values.device)
        self._batch: Batch = self._windows.levelled_batch(self._numbers)
        self._scale = Scale.of(self._batch.context)
        self._context = self._scale.remove(self._batch.context)
        self._target = self._scale.remove(self._batch.target)
        self._mean = network(self._context, self._windows.horizon, self._batch.inputs) @ mean_weights(network.levels)

    def kinship(self, length: int) -> Kinship:
        """Of its rows, by stretches of so many steps."""
        return Kinship.of(self._windows, self._numbers, length)

    def error(self) -> float:
        """The mean square error with the line as it is now, in units of each series' deviation."""
        return float(self._squares().sum() / self._batch.known.sum().clamp_min(1))

    def errors(self) -> Tensor:
        """That of each row by itself."""
        return (self._squares().sum(1) / self._batch.known.sum(1).clamp_min(1)).cpu()

    def loss(self) -> float:
        """Huber's loss with the line as it is now, in units of each window's own deviation."""
        return float(huber(self._said(), self._target, self._batch.known))

    def _squares(self) -> Tensor:
        mean = self._scale.restore(self._said())
        return (mean - self._batch.target).square() * self._batch.known

    def _said(self) -> Tensor:
        said: Tensor = self._mean + self._network.shift(self._mean, self._context, self._batch.inputs)
        return said


def _first_good(choices: Sequence[float], loss: Callable[[float], float]) -> float:
    losses = [loss(choice) for choice in choices]
    return next(one for one, found in zip(choices, losses, strict=True) if found <= TOLERANCE * min(losses))

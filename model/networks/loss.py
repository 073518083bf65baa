"""The losses of quantiles and of their mean, over the targets that were observed."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional


def pinball(
    quantiles: Float[Tensor, "batch horizon levels"],
    target: Float[Tensor, "batch horizon"],
    levels: Float[Tensor, " levels"],
    known: Bool[Tensor, "batch horizon"],
) -> Float[Tensor, ""]:
    """Twice the mean pinball loss, so that the level 0.5 alone gives the mean absolute error.

    Koenker and Bassett, "Regression Quantiles", Econometrica 1978.
    """
    errors = target.unsqueeze(-1) - quantiles
    losses = (errors * (levels - (errors < 0).to(errors.dtype))).mean(-1)
    return 2 * (losses * known).sum() / known.sum().clamp_min(1)


def huber(
    forecast: Float[Tensor, "batch horizon"],
    target: Float[Tensor, "batch horizon"],
    known: Bool[Tensor, "batch horizon"],
) -> Float[Tensor, ""]:
    """Half the square of an error up to 1, and its size less a half beyond.

    Huber, "Robust Estimation of a Location Parameter", 1964.
    """
    losses = functional.huber_loss(forecast, target, reduction="none")
    return (losses * known).sum() / known.sum().clamp_min(1)


def mean_weights(levels: Float[Tensor, " levels"]) -> Float[Tensor, " levels"]:
    """The weight of each quantile in the mean of the distribution that they describe; they add up to 1."""
    edges = torch.cat([levels.new_zeros(1), (levels[1:] + levels[:-1]) / 2, levels.new_ones(1)])
    return edges.diff()

"""The pinball loss of quantiles, over the targets that were observed."""

from jaxtyping import Bool, Float
from torch import Tensor


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

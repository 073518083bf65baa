"""How far apart a version's quantiles lie, so that they lie so still once its flow has gone on.

Calibration moves quantiles by what a network erred on validation windows that it had not seen. A flow that goes on over
these draws its quantiles together, or apart, and nothing honest is left to tell how far they are off then. It errs no
more than before, so that what was right stays right: at each lead quantiles are drawn back to where they lay around the
median in the mean of levels and the median of validation windows.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from model.configuration.config import TrainingConfig
from model.contexts.windows import Windows
from model.networks.inference import Predictor
from model.networks.network import ShootingNetwork
from model.training.validation import MAX_WINDOWS, Validation, forecasts_of

_LEAST_WIDTH = 1e-6


def widths_of(
    network: ShootingNetwork, windows: Windows, config: TrainingConfig, chosen: Validation
) -> Float[NDArray[np.float64], " horizon"]:
    """The mean distance of quantiles from the median at each lead, in units of each context's spread.

    Args:
        network: Trained.
        windows: Of validation.
        config: Of the training.
        chosen: What validation chose for it.
    """
    predictor = Predictor(
        network,
        block_length=chosen.block_length,
        season_length=config.season_length,
        trust=chosen.trust,
        width=chosen.width,
    )
    quantiles = forecasts_of(predictor, windows.thinned(MAX_WINDOWS))[0].numpy()
    distances = np.abs(quantiles - quantiles[..., network.median, None]).mean(-1)
    return np.asarray(np.maximum(np.median(distances, 0), _LEAST_WIDTH))


def as_wide(
    chosen: Validation,
    before: Float[NDArray[np.float64], " horizon"],
    after: Float[NDArray[np.float64], " horizon"],
) -> Validation:
    """The choices for a network whose quantiles lay so far apart when it was judged, and lie so far apart now."""
    restored = tuple(round(float(one), 6) for one in before / after)
    return replace(chosen, calibration=replace(chosen.calibration, restored=restored))

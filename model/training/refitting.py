"""A trained version fitted once more, on its validation windows as well, under the choices that these have made.

What is newest tells most of what comes next, and validation has kept it from everything that learns. Once nothing is
left to choose, nothing is left to keep it for. Choices and calibration stay those of the version that had not seen it,
whose errors were honest.
"""

import torch

from model.configuration.config import TrainingConfig
from model.configuration.reason import Reason
from model.networks.network import ShootingNetwork
from model.panels.series import Panel
from model.training.blending import LineForm
from model.training.learning import whole_windows

LEAST_APART = 16
"""Windows whose targets do not overlap; with fewer the line is left as it was judged."""

_LINE = "solved again, under the same choices, on all windows: those of validation are the newest"
_NO_LINE = "left as it was validated: there is no line beside the flow"
_TOO_FEW = f"left as it was validated: fewer than {LEAST_APART} windows whose targets do not overlap"


def refit(
    network: ShootingNetwork, panel: Panel, config: TrainingConfig, form: LineForm | None, device: torch.device
) -> Reason:
    """Fits what `config.refit` names once more, in place, and tells what came of it.

    Args:
        network: Trained, and nothing of it left to be chosen.
        panel: All that it may learn from.
        config: Of the training.
        form: Of its line.
        device: Where.
    """
    if config.refit == "none":
        return Reason("refit", "none", "as asked")
    if form is None or network.linear is None:
        return Reason("refit", "none", _NO_LINE)
    (windows,) = whole_windows(panel, config, (config.horizon,), device)
    if windows.num_apart() < LEAST_APART:
        return Reason("refit", "none", _TOO_FEW)
    network.linear.weights.copy_(form.solved(windows))
    return Reason("refit", "line", _LINE)

"""What a short training is judged by: the loss of what would be said, half the flow and half the line beside it.

After a hundred steps a flow that sees a short context is ahead of one that sees a long one, and falls behind it later.
The line is solved exactly whatever the context is, and half of what is said in the end. So its share, the same in all
trials, both tells the truth about contexts and leaves a difference of flows the weight that it will have.
"""

import torch
from torch import Tensor

from model.contexts.scaling import Scale
from model.contexts.windows import Windows
from model.networks.loss import huber, mean_weights, pinball
from model.networks.network import ShootingNetwork
from model.training.blending import SHARES, line_beside
from model.training.learning import Learned

METHOD = "half flow, half line"
"""Scores are compared only where they were found in the same way."""

_MAX_WINDOWS = 256


class Judge:
    """Scores trials of one panel; the line beside them depends on the length of their context alone."""

    def __init__(self) -> None:
        self._lines: dict[int, Tensor] = {}

    @torch.inference_mode()
    def score(self, learned: Learned, mean_weight: float) -> float:
        """The loss over the validation windows of every horizon, in units of each series' own deviation.

        Args:
            learned: A trial. Its network is left with the line, where it has room for one.
            mean_weight: Of the loss of the mean, beside the one of the quantiles.
        """
        network = learned.network.eval()
        self._put_line(network, learned)
        parts = (part.validation.thinned(_MAX_WINDOWS) for part in learned.parts if len(part.validation))
        return float(torch.stack([_loss(network, windows, mean_weight) for windows in parts]).mean())

    def _put_line(self, network: ShootingNetwork, learned: Learned) -> None:
        line = network.linear
        if line is None:
            return
        length = len(line.weights)
        if length not in self._lines:
            self._lines[length] = line_beside(network, learned.halves)
        line.weights.copy_(self._lines[length])
        line.share.fill_(SHARES[0])


def _loss(network: ShootingNetwork, windows: Windows, mean_weight: float) -> Tensor:
    batch = windows.batch(torch.arange(len(windows), device=windows.values.device))
    scale = Scale.of(batch.context)
    said = network.predict(scale.remove(batch.context), windows.horizon, network.flow.controls(), batch.inputs)
    quantiles = scale.restore(said)
    mean = quantiles @ mean_weights(network.levels)
    loss = pinball(quantiles, batch.target, network.levels, batch.known)
    return loss + mean_weight * huber(mean, batch.target, batch.known)

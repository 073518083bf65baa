"""All that a training needs to go on after an interruption, kept as one safetensors file.

Everything random in an epoch follows from the seed and the number of the epoch, so no generator needs keeping.
"""

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from model.files import written_whole
from model.networks.network import ShootingNetwork


@dataclass
class TrainingState:
    """A training between two epochs.

    Attributes:
        network: As the last epoch left it.
        optimizer: With its moments.
        purpose: Names the configuration and the data; a state of another purpose is not continued.
        seed_number: Seeds done before the present one.
        epoch: Epochs done of the present seed.
        lowest_loss: The lowest validation loss of the present seed so far.
        best_epoch: When it was reached.
        best_loss: The lowest validation loss of all seeds so far.
        best_weights: The weights that reached it.
        seconds: Spent so far.
    """

    network: ShootingNetwork
    optimizer: torch.optim.AdamW
    purpose: str
    seed_number: int = 0
    epoch: int = 0
    lowest_loss: float = float("inf")
    best_epoch: int = 0
    best_loss: float = float("inf")
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    seconds: float = 0.0

    def count(self, seconds: float) -> None:
        """Counts an epoch that took so long."""
        self.epoch += 1
        self.seconds += seconds

    def note(self, validation_loss: float, seconds: float) -> None:
        """Counts an epoch that took so long, and keeps its weights if none had a lower validation loss."""
        self.count(seconds)
        if validation_loss < self.lowest_loss:
            self.lowest_loss, self.best_epoch = validation_loss, self.epoch
        if validation_loss < self.best_loss:
            self.best_loss = validation_loss
            self.best_weights = {k: v.detach().clone() for k, v in self.network.state_dict().items()}

    def begin(self, network: ShootingNetwork, optimizer: torch.optim.AdamW) -> None:
        """Goes on to the next seed, with weights that nothing was learned with yet."""
        self.network, self.optimizer = network, optimizer
        self.seed_number, self.epoch, self.best_epoch = self.seed_number + 1, 0, 0
        self.lowest_loss = float("inf")

    def save(self, path: Path) -> None:
        """Writes the state whole or not at all."""
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best_weights.items()}
        for number, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": value for name, value in moments.items()}
        numbers = {
            "purpose": self.purpose,
            "seed_number": self.seed_number,
            "epoch": self.epoch,
            "lowest_loss": self.lowest_loss,
            "best_epoch": self.best_epoch,
            "best_loss": self.best_loss,
            "seconds": self.seconds,
        }
        with written_whole(path) as temporary:
            save_file({k: v.contiguous() for k, v in tensors.items()}, temporary, {"state": json.dumps(numbers)})

    def restore(self, path: Path) -> None:
        """Continues from what `save` wrote for the same purpose; starts anew without it, or where it is damaged."""
        with contextlib.suppress(FileNotFoundError, SafetensorError), safe_open(path, "pt") as file:
            numbers = json.loads(file.metadata()["state"])
            if numbers.pop("purpose") == self.purpose:
                self._adopt(numbers, {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118

    def _adopt(self, numbers: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        groups: dict[str, dict[str, Tensor]] = {"network": {}, "best": {}, "optimizer": {}}
        for name, tensor in tensors.items():
            kind, _, rest = name.partition(".")
            groups[kind][rest] = tensor
        self.network.load_state_dict(groups["network"])
        self.best_weights = groups["best"]
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in groups["optimizer"].items():
            number, _, moment = name.partition(".")
            moments.setdefault(int(number), {})[moment] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
        self.seed_number, self.epoch = int(numbers["seed_number"]), int(numbers["epoch"])
        self.lowest_loss, self.best_epoch = numbers["lowest_loss"], int(numbers["best_epoch"])
        self.best_loss, self.seconds = numbers["best_loss"], numbers["seconds"]

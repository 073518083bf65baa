"""Every row of the ablation: one thing in the place of what the product has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from benchmarks.ablation.carriers import Penalised, Residual, Unrolled
from model.configuration.config import TrainingConfig
from model.networks.network import ShootingNetwork
from model.shooting.dynamics import UpDownUniversal
from model.shooting.flow import Flow
from model.shooting.lift import Lift
from model.shooting.parametrisation import parametrise

Change = Callable[[ShootingNetwork, TrainingConfig], None]
"""Puts something in the place of a part of a new network."""

HIDDEN = 256


def _nothing(network: ShootingNetwork, config: TrainingConfig) -> None:
    """Leaves the network as it is."""


@dataclass(frozen=True)
class Variant:
    """A network that differs in one thing from another.

    Attributes:
        part: What is varied.
        name: What stands there.
        options: Of the training, by name: others follow from them as in the product.
        choices: Of the configuration, by name.
        change: Made to the new network.
        finish: Made to the trained network.
        continues: Whether it says anything past the patches that it was trained on.
    """

    part: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, Any] = field(default_factory=dict)
    change: Change = _nothing
    finish: Callable[[ShootingNetwork], None] = lambda network: None
    continues: bool = True

    def build(self, config: TrainingConfig) -> ShootingNetwork:
        """Its untrained network."""
        network = ShootingNetwork(config)
        self.change(network, config)
        return network


def _parametrised(name: str) -> Change:
    def change(network: ShootingNetwork, config: TrainingConfig) -> None:
        dynamics = UpDownUniversal(config.state_size, config.inflation).weighted_by_fan_in()
        num = _num_patches(config)
        held = parametrise(name, dynamics, num_particles=config.num_particles, num_pieces=num, duration=float(num))
        network.flow = Flow(held, step=1 / config.steps_per_patch)

    return change


def _num_patches(config: TrainingConfig) -> int:
    return -(-config.horizon // config.patch_length)


def _linear_decoder(network: ShootingNetwork, config: TrainingConfig) -> None:
    num, size = _num_patches(config), config.state_size
    _unroll(network, Unrolled(nn.Linear(size, num * size), num))


def _perceptron_decoder(network: ShootingNetwork, config: TrainingConfig) -> None:
    num = _num_patches(config)
    _unroll(network, Unrolled(Residual(config.state_size, HIDDEN, num), num))


def _put(network: ShootingNetwork, **parts: nn.Module) -> None:
    """Parts of other classes in the places of the network's own."""
    for name, part in parts.items():
        setattr(network, name, part)


def _unroll(network: ShootingNetwork, decoder: Unrolled) -> None:
    """Takes the flow away, and the map that starts its second state."""
    _put(network, flow=decoder)
    network.lift = Lift("zero", (network.lift.state_size,))


def _penalised(weight: float) -> Change:
    def change(network: ShootingNetwork, _: TrainingConfig) -> None:
        _put(network, flow=Penalised(network.flow, weight))

    return change


def _lifted(kind: str) -> Change:
    def change(network: ShootingNetwork, config: TrainingConfig) -> None:
        network.lift = Lift(kind, (config.state_size, config.inflation * config.state_size))

    return change


def _perceptron(num_inputs: int, num_outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(num_inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, num_outputs))


def _perceptron_encoder(network: ShootingNetwork, config: TrainingConfig) -> None:
    _put(network, encoder=_perceptron(config.context_length, config.state_size))


def _perceptron_heads(network: ShootingNetwork, config: TrainingConfig) -> None:
    _put(
        network,
        median_head=_perceptron(config.state_size, network.median_head.out_features),
        spread_head=_perceptron(config.state_size, network.spread_head.out_features),
    )


@torch.inference_mode()
def _line_alone(network: ShootingNetwork) -> None:
    assert network.linear is not None, "a line was to be scored, and there is none"
    network.linear.share.fill_(1.0)


PATCHES = {"patch_length": 24}

VARIANTS = (
    Variant("flow", "particles_dynamic"),
    Variant("flow", "particles_static", change=_parametrised("particles_static")),
    Variant("flow", "direct_dynamic", change=_parametrised("direct_dynamic")),
    Variant("flow", "direct_static", change=_parametrised("direct_static")),
    Variant("flow", "none: linear decoder", change=_linear_decoder, continues=False),
    Variant("flow", "none: perceptron decoder", change=_perceptron_decoder, continues=False),
    Variant("flow, patch 24", "particles_dynamic", PATCHES),
    Variant("flow, patch 24", "particles_static", PATCHES, change=_parametrised("particles_static")),
    Variant("flow, patch 24", "direct_dynamic", PATCHES, change=_parametrised("direct_dynamic")),
    Variant("flow, patch 24", "direct_static", PATCHES, change=_parametrised("direct_static")),
    Variant("flow, patch 24", "none: linear decoder", PATCHES, change=_linear_decoder, continues=False),
    Variant("flow, patch 24", "none: perceptron decoder", PATCHES, change=_perceptron_decoder, continues=False),
    Variant("line", "beside the flow", choices={"linear": True}),
    Variant("line", "alone", choices={"linear": True}, finish=_line_alone, continues=False),
    Variant("patch", "48", {"patch_length": 48}),
    Variant("particles", "8", {"num_particles": 8}),
    Variant("particles", "128", {"num_particles": 128}),
    Variant("inflation", "1", {"inflation": 1}),
    Variant("inflation", "4", {"inflation": 4}),
    Variant("encoder", "perceptron", change=_perceptron_encoder),
    Variant("start of v", "zero", change=_lifted("zero")),
    Variant("start of v", "network", change=_lifted("network")),
    Variant("decoder", "perceptron", change=_perceptron_heads),
    Variant("loss", "quantiles alone", choices={"mean_weight": 0.0}),
    Variant("loss", "the mean ten times", choices={"mean_weight": 10.0}),
    Variant("dropout", "0.2", {"dropout": 0.2}),
    Variant("dropout", "0.5", {"dropout": 0.5}),
    Variant("energy penalty", "1e-3", change=_penalised(1e-3)),
    Variant("energy penalty", "1e-1", change=_penalised(1e-1)),
)
"""The first is the product's network without the line beside it; each of the others differs from it in what it says."""

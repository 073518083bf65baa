"""Where tensors live and how many threads compute: CUDA where there is a GPU, else few threads of the CPU."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import torch

from model.errors import ConfigurationInvalid

Item = TypeVar("Item")


def choose_device(name: str | None = None) -> torch.device:
    """The device of this name, or the best one of this machine.

    Raises:
        ConfigurationInvalid: The device is unknown, or not on this machine.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigurationInvalid("device", name, "cpu, cuda, or cuda:N") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigurationInvalid("device", name, "cpu, since this machine has no usable GPU")
    return device


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context in which matrices are multiplied in this precision: on a GPU; a CPU keeps to float32."""
    is_mixed = precision == "bfloat16" and device.type == "cuda"
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=is_mixed)


def exact(items: Iterable[Item], device: torch.device) -> Iterator[Item]:
    """Each item, computed in float32 also where other things are not: an error in a control grows over time."""
    coming = iter(items)
    while True:
        with torch.autocast(device.type, enabled=False):
            item = next(coming, None)
        if item is None:
            return
        yield item


def limit_threads(num_threads: int) -> None:
    """How many threads this process computes an operation on; more than one seldom pays for matrices of this size."""
    torch.set_num_threads(num_threads)


def device_name() -> str:
    """What tensors live on by default: the name of the GPU, or cpu."""
    return torch.cuda.get_device_name() if choose_device().type == "cuda" else "cpu"

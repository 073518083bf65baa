"""Where tensors live and how many threads compute: CUDA where there is a GPU, else few threads of the CPU."""

import torch

from model.errors import ConfigurationInvalid


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


def limit_threads(num_threads: int) -> None:
    """How many threads this process computes an operation on; more than one seldom pays for matrices of this size."""
    torch.set_num_threads(num_threads)


def device_name() -> str:
    """What tensors live on by default: the name of the GPU, or cpu."""
    return torch.cuda.get_device_name() if choose_device().type == "cuda" else "cpu"

"""The processes that train one network together, each on its rows of every batch; usually one process alone.

They start from the same weights, draw the same random numbers and add up their gradients, so that all have the same
weights after each step, and so does a process alone that is given the same seed, but for the order of sums.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, distributed

from model.errors import ConfigurationInvalid, TrainingPartnerLost

PATIENCE = timedelta(minutes=10)
"""How long one waits for the others before it gives them up."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Team:
    """What a process knows of the others.

    Attributes:
        rank: Its number, from 0 on.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def current(cls) -> "Team":
        """The team of this process, as `torch.distributed` knows it; itself alone where that was not set up."""
        if not distributed.is_available() or not distributed.is_initialized():
            return cls()
        return cls(distributed.get_rank(), distributed.get_world_size())

    @property
    def is_first(self) -> bool:
        """Whether this is the process that tells, keeps and writes."""
        return self.rank == 0

    def parts(self, num_rows: int, num_parts: int) -> list[slice]:
        """The rows of a batch that this process takes, one such part after the other.

        Raises:
            ConfigurationInvalid: There are fewer rows than processes.
        """
        if num_rows < self.size:
            raise ConfigurationInvalid("batch_size", num_rows, f"at least {self.size}, a window for each process")
        own = _pieces(num_rows, self.size)[self.rank]
        pieces = _pieces(own.stop - own.start, num_parts)
        return [slice(own.start + one.start, own.start + one.stop) for one in pieces if one.stop > one.start]

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Gives each tensor, in place, the sum of what all processes hold under it.

        Raises:
            TrainingPartnerLost: Another process has ended.
        """
        if self.size == 1:
            return
        together = torch.cat([one.reshape(-1) for one in tensors])
        with _answering(self.size):
            distributed.all_reduce(together)
        sizes = [one.numel() for one in tensors]
        for one, total in zip(tensors, together.split(sizes), strict=True):
            one.copy_(total.view_as(one))

    def any(self, flag: bool, device: torch.device) -> bool:  # noqa: FBT001 - what is asked of everyone
        """Whether it is true in any of the processes.

        Raises:
            TrainingPartnerLost: Another process has ended.
        """
        if self.size == 1:
            return flag
        raised = torch.tensor(float(flag), device=device)
        self.add([raised])
        return bool(raised)

    def agreed(self, value: float, device: torch.device) -> float:
        """The first process's value, so that no clock and no rounding parts them.

        Raises:
            TrainingPartnerLost: Another process has ended.
        """
        if self.size == 1:
            return value
        told = torch.tensor(value if self.is_first else 0.0, dtype=torch.float64, device=device)
        self.add([told])
        return float(told)

    def one_after_the_first(self, run: Callable[[], Value]) -> Value:
        """What it returns, run by the first process before the others, so that they find what it has made.

        Raises:
            TrainingPartnerLost: Another process has ended.
        """
        if self.size == 1:
            return run()
        found = run() if self.is_first else None
        with _answering(self.size):
            distributed.barrier()
        return run() if found is None else found


@contextmanager
def together() -> Iterator[Team]:
    """The team that torchrun started this process in; a process that was started otherwise is alone.

    On CUDA each process has the GPU of its number on this machine, and they talk by NCCL; on the CPU by gloo.

    Raises:
        TrainingPartnerLost: The others do not answer.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Team.current()
        return
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    with _answering(size):
        distributed.init_process_group("nccl" if on_gpu else "gloo", timeout=PATIENCE)
    try:
        yield Team.current()
    finally:
        distributed.destroy_process_group()


def _pieces(length: int, number: int) -> list[slice]:
    """A length in so many pieces, as equal as can be."""
    bounds = [length * one // number for one in range(number + 1)]
    return [slice(first, last) for first, last in pairwise(bounds)]


@contextmanager
def _answering(size: int) -> Iterator[None]:
    """What `torch.distributed` says of a process that is gone, as one of our errors."""
    try:
        yield
    except RuntimeError as error:
        raise TrainingPartnerLost(size) from error

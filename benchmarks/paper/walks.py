"""Walks recorded by motion capture, and windows of them.

The data are `mocap35.mat` with `Xtr`, `Xval` and `Xtest`, each of shape (walks, frames, channels): subject 35 of CMU's
database, in the form that Gan et al. (2015) gave it.
"""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.paper.latent import find

FILE = "mocap35.mat"
NUM_SEEN = 3


class Walks(NamedTuple):
    """Walks, each of shape (walks, frames, channels)."""

    training: Tensor
    validation: Tensor
    test: Tensor


def load(data: Path) -> Walks:
    """The walks in the units of the file."""
    from scipy.io import loadmat  # noqa: PLC0415

    path = find(data, FILE)
    if path is None:
        raise FileNotFoundError(f"no {FILE} below {data}")
    file = loadmat(path)
    return Walks(*(torch.from_numpy(file[name]).float() for name in ("Xtr", "Xval", "Xtest")))


def missing(data: Path) -> str | None:
    """What is not there."""
    return None if find(data, FILE) else f"no {FILE} below {data}; give --data"


def windows(
    walks: Tensor, horizon: int, *, count: int, tempo_spread: float, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Windows of random walks from random frames on, at random tempos: seen, what follows, and which of that exists.

    Args:
        walks: Of shape (walks, frames, channels).
        horizon: Frames that follow.
        count: Windows.
        tempo_spread: The largest change of tempo, as a logarithm.
        generator: Of chance.
    """
    num_frames = walks.shape[1]
    latest_start = max(num_frames - NUM_SEEN - horizon + 20, 2 * num_frames // 5)
    start = torch.randint(0, min(latest_start, num_frames - NUM_SEEN - 1), (count, 1), generator=generator)
    tempo = (tempo_spread * (2 * torch.rand(count, 1, generator=generator) - 1)).exp()
    place = start + torch.arange(NUM_SEEN + horizon) * tempo
    observed = place <= num_frames - 1
    place = place.clamp(max=num_frames - 1 - 1e-3)
    before = place.long()
    fraction = (place - before)[..., None].to(walks)
    walk = torch.randint(0, len(walks), (count, 1), generator=generator)
    frames = walks[walk, before].lerp(walks[walk, before + 1], fraction)
    return frames[:, :NUM_SEEN], frames[:, NUM_SEEN:], observed[:, NUM_SEEN:].to(walks)

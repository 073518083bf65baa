"""Sequences forecast in a latent space: what was seen is encoded, a flow carries it, each time is decoded."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from model.shooting.flow import Flow
from model.shooting.lift import Lift


class LatentFlow(nn.Module):
    """A network from the first frames of sequences to their frames at any times.

    Args:
        encoder: From what is seen, of any shape (sequences, …), to x(0) of shape (sequences, d).
        flow: Carries (x, v) over time.
        decoder: From x of shape (points, d) to frames of shape (points, …).
    """

    def __init__(self, encoder: nn.Module, flow: Flow, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.lift = Lift("linear", flow.parametrisation.dynamics.component_sizes)
        self.flow = flow
        self.decoder = decoder

    def paths(self, seen: Tensor, times: Sequence[float]) -> Tensor:
        """Where x is at times, of shape (sequences, times, d)."""
        x: Tensor = self.flow(self.lift(self.encoder(seen)), times)[0]
        return x.transpose(0, 1)

    def decode(self, paths: Tensor) -> Tensor:
        """Frames of shape (sequences, times, …)."""
        frames: Tensor = self.decoder(paths.flatten(0, 1))
        num_sequences, num_times = paths.shape[:2]
        return frames.reshape(num_sequences, num_times, *frames.shape[1:])

    def forward(self, seen: Tensor, times: Sequence[float]) -> Tensor:
        """The frames at times, of shape (sequences, times, …)."""
        return self.decode(self.paths(seen, times))


def find(folder: Path, name: str) -> Path | None:
    """The file of that name somewhere below a folder; None if there is none."""
    return next(iter(sorted(folder.rglob(name))), None)


def mosaic(films: Tensor) -> Tensor:
    """Films of shape (films, frames, height, width) as one image: a row each."""
    return films.transpose(1, 2).flatten(0, 1).flatten(1, 2)

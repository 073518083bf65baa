"""Films of bouncing balls, after the recipe of Sutskever, Hinton and Taylor (2008).

Balls of one size and mass move in a square box without friction. They start at rest positions that are drawn until no
two overlap and none sticks in a wall, with normal velocities that are then scaled so that their joint speed is the same
in every film. Collisions with walls and with one another are elastic. A frame is shown every half unit of time, of
many small steps each; a pixel's value is `min(1, Σ exp(−(distance² / radius²)⁴))` over the balls, at its centre.

The published figures stand on films from the recipe's own program; these are drawn anew from the same physics.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Box:
    """What is in a film.

    Attributes:
        num_balls: In the box.
        size: Side of the box.
        radius: Of a ball.
        side: Of a frame in pixels.
        frame_time: Between two frames.
        num_substeps: Of the motion between two frames.
    """

    num_balls: int = 3
    size: float = 10.0
    radius: float = 1.2
    side: int = 32
    frame_time: float = 0.5
    num_substeps: int = 50


def films(num_films: int, num_frames: int, *, seed: int, box: Box | None = None) -> Tensor:
    """Films with values between 0 and 1, of shape (films, frames, side, side).

    Args:
        num_films: How many.
        num_frames: Of each.
        seed: Of their beginnings.
        box: What is in them.
    """
    box = box or Box()
    return torch.from_numpy(rendered(positions(num_films, num_frames, seed=seed, box=box), box))


def positions(num_films: int, num_frames: int, *, seed: int, box: Box) -> np.ndarray:
    """Centres of the balls, of shape (films, frames, balls, 2)."""
    generator = np.random.default_rng(seed)
    place = _starts(num_films, generator, box)
    velocity = generator.standard_normal(place.shape)
    velocity /= np.linalg.norm(velocity, axis=(1, 2), keepdims=True)
    seen = [place.copy()]
    for _ in range((num_frames - 1) * box.num_substeps):
        place, velocity = step(place, velocity, box.frame_time / box.num_substeps, box)
        seen.append(place)
    return np.stack(seen[:: box.num_substeps], 1)


def step(place: np.ndarray, velocity: np.ndarray, time: float, box: Box) -> tuple[np.ndarray, np.ndarray]:
    """Places and velocities, both of shape (films, balls, 2), a short time later."""
    place = place + time * velocity
    outward = np.where(place < box.radius, -1.0, np.where(place > box.size - box.radius, 1.0, 0.0))
    velocity = np.where(outward * velocity > 0, -velocity, velocity)
    for one in range(box.num_balls):
        for other in range(one):
            velocity = _collided(place, velocity, one, other, box)
    return place, velocity


def _collided(place: np.ndarray, velocity: np.ndarray, one: int, other: int, box: Box) -> np.ndarray:
    """Two balls of equal mass that touch and approach exchange their velocities along the line between them."""
    apart = place[:, one] - place[:, other]
    distance = np.linalg.norm(apart, axis=1, keepdims=True)
    direction = apart / np.maximum(distance, 1e-12)
    approach = ((velocity[:, one] - velocity[:, other]) * direction).sum(1, keepdims=True)
    exchanged = np.where((distance < 2 * box.radius) & (approach < 0), approach, 0.0) * direction
    velocity = velocity.copy()
    velocity[:, one] -= exchanged
    velocity[:, other] += exchanged
    return velocity


def _starts(num_films: int, generator: np.random.Generator, box: Box) -> np.ndarray:
    """Places inside the walls at which no two balls overlap, of shape (films, balls, 2)."""
    place = np.empty((num_films, box.num_balls, 2))
    wrong = np.ones(num_films, dtype=bool)
    while wrong.any():
        place[wrong] = generator.uniform(box.radius, box.size - box.radius, (int(wrong.sum()), box.num_balls, 2))
        wrong = overlap(place, box)
    return place


def overlap(place: np.ndarray, box: Box) -> np.ndarray:
    """Whether two balls overlap in a film, of shape (films,)."""
    distances = np.linalg.norm(place[:, :, None] - place[:, None], axis=-1)
    distances[:, range(box.num_balls), range(box.num_balls)] = np.inf
    overlapping: np.ndarray = (distances < 2 * box.radius).any((1, 2))
    return overlapping


def rendered(places: np.ndarray, box: Box) -> np.ndarray:
    """Frames of balls at places of shape (films, frames, balls, 2)."""
    centres = (np.arange(box.side, dtype=np.float32) + 0.5) * (box.size / box.side)
    along = (centres - places.astype(np.float32)[..., None]) ** 2 / box.radius**2
    frames = np.zeros((*places.shape[:2], box.side, box.side), dtype=np.float32)
    for ball in range(box.num_balls):
        square = along[:, :, ball, 1, :, None] + along[:, :, ball, 0, None, :]
        frames += np.exp(-(square**4))
    return np.minimum(frames, 1)

"""Digits deformed before they are rotated: more handwriting than was recorded, every angle of a sequence alike.

A digit `I(y)` becomes `I(S y)` with a random linear S near 1: sheared, turned, narrower, larger. Its picture at the
angle a is `I(Rₐ y)`, so that the deformed digit at that angle, `I(S Rₐ y)`, is that picture at `Rₐ⁻¹ S Rₐ y`.

Legend: y a place in the picture, measured from its centre; Rₐ rotation by a.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional


def deformations(count: int, spread: float, generator: torch.Generator) -> Tensor:
    """S for some sequences, of shape (count, 2, 2): 1 plus normal numbers of that deviation."""
    return torch.eye(2) + spread * torch.randn(count, 2, 2, generator=generator)


def deformed(pictures: Tensor, angles: Tensor, maps: Tensor) -> Tensor:
    """Pictures of deformed digits, interpolated bilinearly, black beyond their edges.

    Args:
        pictures: Of shape (sequences, pictures, side, side).
        angles: Of each picture, in turns, of shape (sequences, pictures).
        maps: S for each sequence, of shape (sequences, 2, 2).
    """
    rotations = _rotations(angles)
    there = functional.pad(rotations.mT @ maps[:, None] @ rotations, (0, 1)).flatten(0, 1)
    flat = pictures.flatten(0, 1)[:, None]
    places = functional.affine_grid(there, list(flat.shape), align_corners=True)
    return functional.grid_sample(flat, places, align_corners=True).clamp(0, 1).view_as(pictures)


def _rotations(turns: Tensor) -> Tensor:
    """Of shape (…, 2, 2), counter-clockwise as seen on a picture whose rows go down."""
    cosine, sine = (2 * math.pi * turns).cos(), (2 * math.pi * turns).sin()
    return torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], -2)

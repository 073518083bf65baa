"""Small convolutional networks between images and latent states.

After the encoder and decoder of ODE²VAE (Yıldız, Heinonen, Lähdesmäki, NeurIPS 2019), which the paper takes over, at
about a fifth of the arithmetic: kernels of 4 at stride 2, and the decoder starts at a quarter of the image's side.
"""

import torch
from torch import nn


def image_encoder(*, side: int, num_frames: int, filters: int, state_size: int) -> nn.Module:
    """From frames as channels, of shape (images, num_frames, side, side), to (images, state_size).

    Args:
        side: Of the images in pixels, a multiple of four.
        num_frames: Seen at once.
        filters: Of the first convolution; each further one doubles them.
        state_size: d.
    """
    layers = nn.Sequential(
        *_down(num_frames, filters),
        *_down(filters, 2 * filters),
        nn.Conv2d(2 * filters, 4 * filters, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(4 * filters * (side // 4) ** 2, state_size),
    )
    return _channels_last(layers)


def image_decoder(*, side: int, filters: int, state_size: int) -> nn.Module:
    """From (points, state_size) to images with values between 0 and 1, of shape (points, side, side).

    Args:
        side: Of the images in pixels, a multiple of four.
        filters: Of the last hidden layer; each one before it has twice as many.
        state_size: d.
    """
    small = side // 4
    layers = nn.Sequential(
        nn.Linear(state_size, 4 * filters * small**2),
        nn.Unflatten(1, (4 * filters, small, small)),
        nn.BatchNorm2d(4 * filters),
        nn.ReLU(),
        *_up(4 * filters, 2 * filters),
        *_up(2 * filters, filters),
        nn.Conv2d(filters, 1, 3, padding=1),
        nn.Sigmoid(),
        nn.Flatten(0, 1),
    )
    return _channels_last(layers)


def shuffled_decoder(*, side: int, filters: int, state_size: int) -> nn.Module:
    """As `image_decoder`, without features at full size: each place at half the side becomes four pixels at the end.

    For smooth images, at three fifths of the time.

    Args:
        side: Of the images in pixels, a multiple of four.
        filters: A quarter of those of both hidden layers.
        state_size: d.
    """
    small, wide = side // 4, 4 * filters
    layers = nn.Sequential(
        nn.Linear(state_size, wide * small**2),
        nn.Unflatten(1, (wide, small, small)),
        nn.BatchNorm2d(wide),
        nn.ReLU(),
        *_up(wide, wide),
        nn.Conv2d(wide, 4, 3, padding=1),
        nn.PixelShuffle(2),
        nn.Sigmoid(),
        nn.Flatten(0, 1),
    )
    return _channels_last(layers)


def _down(before: int, after: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(before, after, 4, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()


def _up(before: int, after: int) -> tuple[nn.Module, ...]:
    return nn.ConvTranspose2d(before, after, 4, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()


def _channels_last(layers: nn.Module) -> nn.Module:
    """The same layers with their weights in the order in which convolutions on a CPU are quickest."""
    layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's own types forget this form
    return layers

"""Errors in the literature, by the same protocol: one model for each horizon, every test window scored.

From the tables of TFB and DUET (KDD 2025), the best of look-backs of 96, 336 and 512.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """Errors of one method, of values scaled by the training part."""

    mse: float
    mae: float


METHODS = ("DUET", "PDF", "PatchTST", "iTransformer", "TimeMixer", "DLinear")
"""The most accurate one on most sets first."""


def _row(*errors: float) -> Mapping[str, Published]:
    pairs = zip(errors[::2], errors[1::2], strict=True)
    return {method: Published(*pair) for method, pair in zip(METHODS, pairs, strict=True)}


# fmt: off
PUBLISHED = {
    ("ETTh1", 96): _row(0.352, 0.384, 0.360, 0.391, 0.377, 0.397, 0.386, 0.405, 0.372, 0.401, 0.379, 0.403),
    ("ETTh1", 192): _row(0.398, 0.409, 0.392, 0.414, 0.409, 0.425, 0.424, 0.440, 0.413, 0.430, 0.408, 0.419),
    ("ETTh1", 336): _row(0.414, 0.426, 0.418, 0.435, 0.431, 0.444, 0.449, 0.460, 0.438, 0.450, 0.440, 0.440),
    ("ETTh1", 720): _row(0.429, 0.455, 0.456, 0.462, 0.457, 0.477, 0.495, 0.487, 0.486, 0.484, 0.471, 0.493),
    ("ETTh2", 96): _row(0.270, 0.336, 0.276, 0.341, 0.274, 0.337, 0.297, 0.348, 0.281, 0.351, 0.300, 0.364),
    ("ETTh2", 192): _row(0.332, 0.374, 0.339, 0.382, 0.348, 0.384, 0.372, 0.403, 0.349, 0.387, 0.387, 0.423),
    ("ETTh2", 336): _row(0.353, 0.397, 0.374, 0.406, 0.377, 0.416, 0.388, 0.417, 0.366, 0.413, 0.490, 0.487),
    ("ETTh2", 720): _row(0.382, 0.425, 0.398, 0.433, 0.406, 0.441, 0.424, 0.444, 0.401, 0.436, 0.704, 0.597),
    ("ETTm1", 96): _row(0.279, 0.333, 0.286, 0.340, 0.289, 0.343, 0.300, 0.353, 0.293, 0.345, 0.300, 0.345),
    ("ETTm1", 192): _row(0.320, 0.358, 0.321, 0.364, 0.329, 0.368, 0.341, 0.380, 0.335, 0.372, 0.336, 0.366),
    ("ETTm1", 336): _row(0.348, 0.377, 0.354, 0.383, 0.362, 0.390, 0.374, 0.396, 0.368, 0.386, 0.367, 0.386),
    ("ETTm1", 720): _row(0.405, 0.408, 0.408, 0.415, 0.416, 0.423, 0.429, 0.430, 0.426, 0.417, 0.419, 0.416),
    ("exchange_rate", 96): _row(0.080, 0.198, 0.083, 0.200, 0.079, 0.200, 0.086, 0.205, 0.084, 0.207, 0.080, 0.202),
    ("exchange_rate", 192): _row(0.162, 0.288, 0.172, 0.294, 0.159, 0.289, 0.177, 0.299, 0.178, 0.300, 0.182, 0.321),
    ("exchange_rate", 336): _row(0.294, 0.392, 0.323, 0.411, 0.297, 0.399, 0.331, 0.417, 0.376, 0.451, 0.327, 0.434),
    ("exchange_rate", 720): _row(0.583, 0.580, 0.820, 0.682, 0.751, 0.650, 0.846, 0.693, 0.884, 0.707, 0.578, 0.605),
    ("national_illness", 24): _row(1.577, 0.760, 1.801, 0.874, 1.932, 0.872, 1.783, 0.846, 1.804, 0.820, 2.208, 1.031),
    ("national_illness", 36): _row(1.596, 0.794, 1.743, 0.867, 1.869, 0.866, 1.746, 0.860, 1.891, 0.926, 2.032, 0.981),
    ("national_illness", 48): _row(1.632, 0.810, 1.843, 0.926, 1.891, 0.883, 1.716, 0.898, 1.752, 0.866, 2.209, 1.063),
    ("national_illness", 60): _row(1.660, 0.815, 1.845, 0.925, 1.914, 0.896, 2.183, 0.963, 1.831, 0.930, 2.292, 1.086),
}
# fmt: on
"""By the name of a set and a horizon; MSE and MAE of each method, in their order."""


def rows(dataset: str, horizons: Sequence[int]) -> list[str]:
    """A table of what is published for a set at these horizons; nothing where nothing is."""
    known = [horizon for horizon in horizons if (dataset, horizon) in PUBLISHED]
    if not known:
        return []
    lines = [f"  {'published':<15}{'h':>6}" + "".join(f"{method:>16}" for method in METHODS)]
    for horizon in known:
        found = PUBLISHED[dataset, horizon]
        errors = "".join(f"{f'{found[one].mse:.3f} / {found[one].mae:.3f}':>16}" for one in METHODS)
        lines.append(f"{'':<17}{horizon:>6}{errors}")
    return lines

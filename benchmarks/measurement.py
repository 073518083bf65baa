"""One figure of a benchmark, and the file that keeps many of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.environment import environment


@dataclass(frozen=True)
class Measurement:
    """One figure.

    Attributes:
        name: What was measured, for example `paper.spiral.particles_dynamic.long_range_error`.
        value: The figure.
        unit: Of the figure: `ms`, `MiB`, `MSE`, `share`.
        compared_with: Other figures of the same unit by what they are: a peer in the same run, a published one.
        settings: What somebody needs to measure it again: seed, sizes, budget.
    """

    name: str
    value: float
    unit: str
    compared_with: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)


def write(path: Path, measurements: Sequence[Measurement]) -> None:
    """Writes the figures as a list of JSON records, each with where it was measured."""
    where = environment()
    records = [asdict(measurement) | {"environment": where} for measurement in measurements]
    path.write_text(json.dumps(records, indent=2) + "\n")

"""A loaded checkpoint that answers."""

from collections.abc import Sequence
from pathlib import Path

from model.calibration import CalibrationSummary
from model.checkpoint import Checkpoint, Manifest
from model.config import TrainingConfig
from model.horizon import Horizon
from model.series import Forecast, Panel, Series

MAX_STEPS = 100_000


class Forecaster:
    """A loaded checkpoint; safe to call from several threads."""

    def __init__(self, checkpoint: Checkpoint, *, device: str | None = None) -> None:
        raise NotImplementedError

    @classmethod
    def load(cls, path: Path, *, device: str | None = None) -> "Forecaster":
        return cls(Checkpoint.load(path), device=device)

    @property
    def config(self) -> TrainingConfig:
        raise NotImplementedError

    @property
    def manifest(self) -> Manifest:
        raise NotImplementedError

    @property
    def calibration(self) -> CalibrationSummary:
        raise NotImplementedError

    @property
    def num_bytes(self) -> int:
        """Memory that it holds."""
        raise NotImplementedError

    def check(self, series: Series, horizon: Horizon, *, max_steps: int = MAX_STEPS) -> None:
        """Raises what `forecast` would raise for this series."""
        raise NotImplementedError

    def forecast(
        self,
        panel: Panel,
        horizon: Horizon,
        quantile_levels: Sequence[float] = (0.1, 0.5, 0.9),
        *,
        max_steps: int = MAX_STEPS,
    ) -> Forecast:
        raise NotImplementedError

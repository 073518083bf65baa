"""What is asked of the service, and what is answered."""

from dataclasses import dataclass

from app.forecasting.refusals import Refusal
from model import NO_PATHS, CalibrationSummary, Horizon, ItemForecast, Paths, Series


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        model: `name`, `name@alias` or `name/3`.
        items: The series, in order; a refusal where one was none.
        horizon: How far.
        quantile_levels: Ascending.
        is_partial: Whether a series that cannot be forecast fails alone.
        paths: Which sample paths are wanted.
        rates: Whether the rate of change of the mean is wanted, too.
    """

    model: str
    items: tuple[Series | Refusal, ...]
    horizon: Horizon
    quantile_levels: tuple[float, ...]
    is_partial: bool
    paths: Paths = NO_PATHS
    rates: bool = False


@dataclass(frozen=True)
class Answer:
    """What was answered, and by which version.

    Attributes:
        name: The model.
        version: The number of the version.
        digest: Of its checkpoint.
        alias: By which alias it was asked for; None if by number.
        items: A forecast or a refusal for each series, in order.
        calibration: Of the version.
        points_in: Observations shown to it.
        points_out: Timestamps forecast.
        function_evaluations: Of its vector field.
        load_seconds: Until the version was found and loaded.
        forecast_seconds: For the forecast itself.
    """

    name: str
    version: int
    digest: str
    alias: str | None
    items: tuple[ItemForecast | Refusal, ...]
    calibration: CalibrationSummary
    points_in: int
    points_out: int
    function_evaluations: int
    load_seconds: float
    forecast_seconds: float

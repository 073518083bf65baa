"""Conformal intervals by lead time."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CalibrationSummary:
    """How the intervals of a version were calibrated, and how they did.

    Attributes:
        method: `none` or the name of the method.
        num_scores: Validation residuals behind it.
        longest_lead: Steps up to which it holds.
        nominal: The coverage intended, e.g. 0.8.
        realised_coverage: What the nominal interval covered on data that calibration did not use.
    """

    method: str
    num_scores: int
    longest_lead: int
    nominal: float
    realised_coverage: float

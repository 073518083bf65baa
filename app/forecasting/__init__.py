"""Answers to forecast requests, by the version that a name means now."""

from app.forecasting.forecasting import Forecasting, ServeLevels
from app.forecasting.loaded import LoadedVersions
from app.forecasting.prepared import Prepared
from app.forecasting.questions import Answer, Question
from app.forecasting.refusals import ForecastNotFinite, Refusal, refuse_duplicates, refuse_unless_partial

__all__ = [
    "Answer",
    "ForecastNotFinite",
    "Forecasting",
    "LoadedVersions",
    "Prepared",
    "Question",
    "Refusal",
    "ServeLevels",
    "refuse_duplicates",
    "refuse_unless_partial",
]

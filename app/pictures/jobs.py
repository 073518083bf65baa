"""Trainings and backtests as figures: losses by epoch, errors by lead."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from app.jobs.values import BacktestJob, Job, TrainingJob
from app.pictures.charts import Chart, Figure, Ink, Line
from app.pictures.ticks import format_number
from model import BacktestReport

_INKS: Final[Sequence[Ink]] = ("accent", "muted", "second", "bad")


def draw_training(job: TrainingJob) -> Figure:
    """The losses of a training, as far as it has come."""
    epochs = np.array([one.epoch for one in job.losses], dtype=np.float64)
    lines = (
        Line("training loss", epochs, np.array([one.train for one in job.losses], dtype=np.float64), "muted"),
        Line(
            "validation loss", epochs, np.array([one.validation for one in job.losses], dtype=np.float64), "accent", 2.0
        ),
    )
    parts = [_state(job)]
    if job.num_epochs:
        parts.append(f"epoch {job.epoch} of at most {job.num_epochs}")
    if job.losses:
        parts.append(f"validation loss {format_number(job.losses[-1].validation)}")
    if job.version is not None:
        parts.append(f"version {job.version}")
    charts = (Chart("", (), lines, "count", "epoch"),) if job.losses else ()
    return Figure(f"Training of {job.request.model_name}", " · ".join(parts), charts, "There are no losses yet.")


def draw_backtest(job: BacktestJob) -> Figure:
    """How each method did in a backtest, by lead."""
    title = f"Backtest of {job.request.model_name}, version {job.request.version}"
    if job.report is None or not job.report.leads:
        return Figure(title, _state(job), (), "There are no scores yet.")
    chart = Chart(
        "", (), tuple(_lines(job.report)), "count", "steps ahead", "MASE, lower is better", starts_at_zero=True
    )
    return Figure(title, _summary(job.report), (chart,))


def _lines(report: BacktestReport) -> list[Line]:
    x = np.array([(one.first_lead + one.last_lead) / 2 for one in report.leads])
    lines = []
    for number, score in enumerate(report.scores):
        found = [next((one.mase for one in lead.scores if one.method == score.method), np.nan) for lead in report.leads]
        ours = number == 0
        ink = _INKS[number % len(_INKS)]
        lines.append(
            Line(
                _called(score.method),
                x,
                np.array(found, dtype=np.float64),
                ink,
                2.0 if ours else 1.4,
                is_dashed=not ours,
            )
        )
    return lines


def _summary(report: BacktestReport) -> str:
    parts = [f"{report.num_forecasts} forecasts of {report.horizon} steps"]
    covered = report.scores[0].coverage
    if covered is not None:
        parts.append(f"{covered:.0%} inside the 80 % interval")
    known = (one for one in report.scores if np.isfinite(one.mase))
    parts.append("MASE " + ", ".join(f"{_called(one.method)} {format_number(one.mase)}" for one in known))
    return " · ".join(parts)


def _called(method: str) -> str:
    return "Longshot" if method == "longshot" else method.replace("_", " ")


def _state(job: Job) -> str:
    return f"{job.state}, {job.progress:.0%}" if job.state == "running" else job.state

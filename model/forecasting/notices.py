"""What whoever gets a forecast should know of how it came about."""

import numpy as np

from model.configuration.config import TrainingConfig
from model.contexts.inputs import notices_of
from model.forecasting.asking import Asked
from model.panels.grid import local_axis
from model.panels.series import Notice


def notices(asked: Asked, config: TrainingConfig, *, longest_lead: int, looked_at: int) -> tuple[Notice, ...]:
    """What of a question a version was not made for, or could not use.

    Args:
        asked: The question.
        config: Of the version.
        longest_lead: Steps ahead for which its intervals are calibrated; 0 where they are not.
        looked_at: Steps of history that it looks at.
    """
    found = []
    if asked.num_steps > longest_lead:
        detail = f"Intervals are calibrated up to {longest_lead} steps ahead; {asked.num_steps} were asked."
        if longest_lead == 0:
            detail = "Intervals are not calibrated: there was too little validation data to judge them by."
        found.append(Notice("past_calibrated_lead", detail))
    if asked.freq != config.freq:
        detail = f"The series has frequency {asked.freq}; the version was trained on {config.freq}."
        found.append(Notice("frequency_differs", detail))
    span = -_position(asked, 0) + 1
    if span < looked_at:
        detail = f"The history spans {int(span)} steps; the version looks at {looked_at}."
        found.append(Notice("history_short", detail))
    if asked.level_shift is not None:
        at, way = local_axis(np.array([asked.level_shift.instant]), asked.series.time_zone)[0], asked.level_shift.size
        detail = f"The series jumped by {way:.6g} at {at} and stayed there; what was before was moved by as much."
        found.append(Notice("level_shifted", detail))
    steps_behind = 0 if asked.system is None else -_position(asked, -1)
    if steps_behind >= 1:
        detail = f"The series ends {int(steps_behind)} steps before others of its system; until there its last "
        found.append(Notice("channel_ends_early", detail + "value was taken for it."))
    return (*found, *notices_of(asked.series, config.covariates))


def _position(asked: Asked, observation: int) -> float:
    """Where an observation of the series lies, in steps from the end of its grid's history."""
    return float(asked.grid.positions(asked.series.timestamps[[observation]])[0])

"""The season of a panel: what its values repeat after, or else what its frequency usually has."""

from dataclasses import dataclass

from model.configuration.periods import AS_STRONG, MAX_PERIOD, Period, Periods, find_periods
from model.panels.grid import season_length, week_length, year_length
from model.panels.series import Panel

_MOST_MULTIPLES = 7
"""A period of so many usual seasons is a longer one above them, as a week is above days."""

_NEARLY = 0.75
"""A shorter period with this share of the strength of a longer one is the season; the longer one repeats it."""


@dataclass(frozen=True)
class Season:
    """What values repeat after.

    Attributes:
        length: In steps.
        period: Steps after which they repeat most fully: several seasons, or one.
        is_usual: Whether it is the one that the frequency usually has.
        why: What it follows from.
    """

    length: int
    period: int
    is_usual: bool
    why: str


def season_of(panel: Panel, freq: str, *, given: int | None = None) -> Season:
    """The season of a panel: a clear period of its values, or, where they are ambiguous, the usual one.

    Args:
        panel: The series.
        freq: The step of their grids.
        given: The season that a user names.
    """
    usual = usual_season(freq)
    if given is not None:
        return usual if given == usual.length else Season(given, given, is_usual=False, why="as asked")
    natural = (usual.length, usual.period, year_length(freq))
    found = find_periods(panel, freq, [steps for steps in natural if steps is not None])
    return _found_season(found, usual)


def usual_season(freq: str) -> Season:
    """A day of what is observed within the day, a week of days, a year of longer steps."""
    length = season_length(freq)
    return Season(length, week_length(freq) or length, is_usual=True, why=f"usual for steps of {freq}")


def _found_season(found: Periods, usual: Season) -> Season:
    if not found.clear:
        return _usual(usual, f"{usual.why}; no other period is clear in the values")
    best = max(found.clear, key=lambda one: one.strength)
    season = next(one for one in found.clear if one.strength >= _NEARLY * best.strength)
    strength = found.strength(usual.length)
    # A short cycle that happens to divide the day repeats after a day, too; then the day has to add something.
    added = AS_STRONG if usual.length > _MOST_MULTIPLES * season.steps else -2 * AS_STRONG
    if strength is not None and strength >= season.strength + added:
        return _usual(usual, f"{usual.why}, and the values repeat after it (autocorrelation {strength:.2f})")
    num_usual, left = divmod(season.steps, usual.length)
    if usual.length > 1 and left == 0 and num_usual <= _MOST_MULTIPLES:
        why = f"{usual.why}; the values repeat after {num_usual} of them (autocorrelation {season.strength:.2f})"
        return _usual(usual, why)
    return Season(season.steps, _longest(found, season), is_usual=False, why=_why(season, usual, strength))


def _usual(usual: Season, why: str) -> Season:
    return Season(usual.length, usual.period, is_usual=True, why=why)


def _longest(found: Periods, season: Period) -> int:
    """The strongest period of several seasons, if there is one."""
    several = [one.steps for one in found.clear if season.steps < one.steps <= MAX_PERIOD]
    return several[-1] if several else season.steps


def _why(season: Period, usual: Season, strength: float | None) -> str:
    there = f"after the usual {usual.length}"
    other = f"{there} {strength:.2f}" if strength is not None else f"{there} the series are too short to tell"
    if usual.length == 1:
        other = "the frequency has no usual season"
    return f"the values repeat after so many steps (autocorrelation {season.strength:.2f}; {other})"

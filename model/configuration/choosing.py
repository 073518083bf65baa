"""How the choices of a training follow from the data where nobody made them, and why."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.configuration.config import MAX_CHANNELS, MAX_PRECEDENT_WINDOWS, TrainingConfig, TrainingOptions
from model.configuration.reason import Reason
from model.configuration.seasons import Season, season_of
from model.contexts.scheme import Scheme, scheme_of
from model.errors import ConfigurationInvalid, FrequencyUnknown, SeriesTooShort
from model.panels.grid import week_length
from model.panels.series import Panel

MIN_OBSERVATIONS = 16
"""The fewest from which a training makes sense."""

MAX_PATCH_LENGTH = 672
"""Beyond it a patch costs more than it tells: a week of quarters of an hour."""

_LEAST_BATCH = 64
"""Windows of a gradient step where each shows many channels."""

USUAL_SEEDS = 3
"""Of a small panel. The best of several costs nothing to serve, where a mean of several costs their sum."""

HOLE_SHARE, LEAST_HOLES = 0.5, 0.01
"""Of the training windows, those whose history is torn, where at least so much of a panel's steps was not observed."""

MAX_PATCHES = 32
"""Patches in a horizon, unless asked for: each costs a step of the flow."""


@dataclass(frozen=True)
class Reasoned:
    """A configuration, and why it is what it is.

    Attributes:
        config: Every choice of a training.
        reasons: Of the choices that follow from the data, and of those that the user made.
    """

    config: TrainingConfig
    reasons: tuple[Reason, ...]

    def within(self, config: TrainingConfig, why: str) -> "Reasoned":
        """A configuration that came of this one for a reason: it stands at every choice that is another."""
        before, after = self.config.to_json(), config.to_json()
        changed = [name for name in after if before.get(name) != after[name] and name != "covariates"]
        return Reasoned(config, self.reasons).because(dict.fromkeys(changed, why))

    def because(self, whys: Mapping[str, str]) -> "Reasoned":
        """The same with other reasons, or further ones, by the name of a choice."""
        known = {one.choice: one for one in self.reasons}
        known |= {name: Reason(name, _shown(getattr(self.config, name)), why) for name, why in whys.items()}
        return Reasoned(self.config, tuple(known.values()))


def choose_config(panel: Panel, options: TrainingOptions) -> TrainingConfig:
    """The configuration that follows from the data, with the user's own choices in place of it; see `choose`."""
    return choose(panel, options).config


def choose(panel: Panel, options: TrainingOptions) -> Reasoned:
    """The configuration that follows from the data, with the user's own choices in place of it, and why.

    The frequency is the commonest one of the panel. The season is a clear period of the values, else the usual one of
    the frequency. The context is three weeks of what is observed within the day, else several seasons and two horizons;
    a patch is a week of it, else a season. Batches draw their length from the horizon and its halves down to a season,
    and to a patch unless trials may settle on another one. Validation keeps the last part of each series, as far as the
    longest series allows. Holes are torn into histories where series have holes of their own. With trials, a small
    panel is learned from several seeds.

    Raises:
        FrequencyUnknown: No series says its frequency.
        SeriesTooShort: Even the longest series is too short to learn from.
        ConfigurationInvalid: A choice is impossible.
        CovariateMissing: A series lacks a covariate that another has.
    """
    freq = _commonest_frequency(panel)
    found = season_of(panel, freq, given=options.season_length)
    season = found.length
    longest = max(panel, key=len)
    ago = -longest.grid(freq).positions(longest.timestamps)
    num_steps = 1 + int(ago[0])
    horizon = options.horizon or max(1, min(_usual_horizon(found), num_steps // 5))
    needed = least_observations(horizon)
    if min(len(longest), num_steps) < needed:
        raise SeriesTooShort(longest.item_id, len(longest), needed, f"training for a horizon of {horizon} steps")
    usual = max(horizon, min(num_steps * 3 // 20, num_steps - needed + horizon))
    validation = options.validation_steps or _with_a_cutoff(usual, horizon, np.rint(ago).astype(int))
    context = options.context_length or _usual_context(found, horizon, num_steps - validation - horizon)
    patch = options.patch_length or _usual_patch(freq, found, horizon)
    covariates = scheme_of(panel, freq, calendar=options.calendar)
    channels = _channels(panel, covariates) if options.joint else ()
    config = TrainingConfig(
        freq=freq,
        season_length=season,
        horizon=horizon,
        context_length=context,
        patch_length=patch,
        validation_steps=validation,
        period=found.period,
        training_horizons=_halves(horizon, shortest=max(season, patch) if options.preset == "fast" else season),
        mean_weight=1.0,
        hole_share=_usual_hole_share(panel, freq),
        linear=True,
        regression=bool(covariates.future),
        refit="all",
        floor="zero" if all(one.values.min() >= 0 for one in panel) else "none",
        covariates=covariates,
        channels=channels,
        batch_size=max(_LEAST_BATCH, TrainingConfig.batch_size // max(1, len(channels))),
        precedent_windows=0 if covariates else MAX_PRECEDENT_WINDOWS,
    )
    fields: dict[str, Any] = dict(options.chosen)
    config = replace(config, **fields)
    is_settled = options.preset == "fast" or options.num_seeds is not None
    config = config if is_settled else replace(config, num_seeds=_usual_seeds(panel, config))
    return Reasoned(config, tuple(_reasons(config, options, panel, found, num_steps)))


def _reasons(
    config: TrainingConfig, options: TrainingOptions, panel: Panel, season: Season, num_steps: int
) -> Iterator[Reason]:
    """Why each choice is what it is, in the order in which they follow from one another."""
    share = f"the longest series has {num_steps} steps"
    num_freqs = len({one.freq for one in panel})
    known = {
        "freq": "as all series have it" if num_freqs == 1 else f"the commonest of the {num_freqs} in the data",
        "season_length": season.why,
        "horizon": f"{_HORIZONS[_kind(season)]}, and a fifth of the data at most; {share}",
        "validation_steps": f"a horizon at least, else the last 15 % of the data; {share}",
        "context_length": f"{_CONTEXTS[_kind(season)]}, 1440 steps at most, as far as the data allow",
        "patch_length": _PATCHES[week_length(config.freq) is not None and season.is_usual],
    }
    asked = options.chosen
    for name, why in known.items():
        yield Reason(name, _shown(getattr(config, name)), "as asked" if name in asked else why)
    why = "the horizon and its halves down to a season, so that short horizons are learned, too"
    yield Reason("training_horizons", _shown(config.horizons), why)
    if config.channels:
        yield Reason("channels", str(config.num_channels), "as asked: the series form one system")
    if options.floor is None:
        yield Reason("floor", config.floor, _FLOORS[config.floor])
    if config.hole_share and options.hole_share is None:
        yield Reason("hole_share", _shown(config.hole_share), "steps were not observed, 1 % of them at least")
    if config.num_seeds > 1 and options.num_seeds is None:
        yield Reason("num_seeds", str(config.num_seeds), "the panel is small: an epoch sees every observation anew")
    for name in (one for one in _SAME_FOR_ALL if one not in asked):
        yield Reason(name, _shown(getattr(config, name)), _SAME_FOR_ALL[name])
    for name in sorted(asked.keys() - known.keys() - {"refit", "seed"}):
        yield Reason(name, _shown(asked[name]), "as asked")


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else f"{value}"


def _channels(panel: Panel, covariates: Scheme) -> tuple[str, ...]:
    """The names of a system's channels, in an order that does not depend on the panel's."""
    if covariates:
        needed = "left out where there are covariates or the calendar: a system is forecast from its channels alone"
        raise ConfigurationInvalid("joint", True, needed)  # noqa: FBT003
    if len(panel) > MAX_CHANNELS:
        raise ConfigurationInvalid("joint", True, f"left out for {len(panel)} series: {MAX_CHANNELS} at most")  # noqa: FBT003
    return tuple(sorted(one.item_id for one in panel))


def least_observations(horizon: int) -> int:
    """The fewest observations from which a training for a horizon makes sense."""
    return max(MIN_OBSERVATIONS, 2 * horizon + MIN_OBSERVATIONS // 2)


def _with_a_cutoff(usual: int, horizon: int, ago: NDArray[np.int_]) -> int:
    """As many steps for validation as usual; more, where otherwise no history ends with an observation before them.

    Args:
        usual: How many.
        horizon: How many a window needs.
        ago: How many steps before the last observation each one was made, descending.
    """
    if ((ago >= horizon) & (ago <= usual)).any() or not (ago > usual).any():
        return usual
    return int(ago[ago > usual].min())


def _halves(horizon: int, *, shortest: int) -> tuple[int, ...]:
    """The horizon, its half, its quarter and its eighth, as far as they are no shorter than that; ascending."""
    lengths = {horizon} | {horizon // 2**power for power in (1, 2, 3)}
    return tuple(sorted(length for length in lengths if length == horizon or length >= shortest))


def _usual_seeds(panel: Panel, config: TrainingConfig) -> int:
    """Several where an epoch sees every observation anew: there seeds differ most, and cost least."""
    return USUAL_SEEDS if panel.num_observations <= config.steps_per_epoch * config.batch_size else 1


def _usual_hole_share(panel: Panel, freq: str) -> float:
    """None where series are whole: it takes time to train on. The first hundred series tell."""
    steps = [np.round(one.grid(freq).positions(one.timestamps)).astype(int) for one in panel.series[:100]]
    share_observed = sum(len(np.unique(one)) for one in steps) / sum(int(one[-1] - one[0]) + 1 for one in steps)
    return HOLE_SHARE if 1 - share_observed >= LEAST_HOLES else 0.0


def _commonest_frequency(panel: Panel) -> str:
    known = Counter(one.freq for one in panel if one.freq is not None)
    if not known:
        raise FrequencyUnknown(panel.series[0].item_id)
    return known.most_common(1)[0][0]


_SAME_FOR_ALL = {
    "dropout": "the same for all data; the presets balanced and best try others",
    "learning_rate": "the same for all data; the presets balanced and best try others",
    "state_size": "the same for all data",
    "num_particles": "the same for all data",
    "num_epochs": "at most, for all data; training ends once validation no longer improves",
}
_FLOORS = {"zero": "no value of the data is negative", "none": "the data have negative values"}
_HORIZONS = {
    "day": "a week of what is observed within the day",
    "week": "four weeks of days",
    "other": "a season, or 8 steps",
}
_CONTEXTS = {
    "day": "three weeks of what is observed within the day",
    "week": "eight weeks of days, or two horizons",
    "other": "three seasons, or two horizons",
}
_PATCHES = {True: "a week of what is observed within the day", False: "as many seasons as leave the flow few steps"}


def _kind(season: Season) -> str:
    """A day of 24 steps or more, a week of days, or another season."""
    if not season.is_usual:
        return "other"
    if season.length >= 24 and season.length != 52:
        return "day"
    return "week" if season.length in (5, 7) else "other"


def _usual_horizon(season: Season) -> int:
    """A week of what is observed within the day, four weeks of days, one longer season."""
    lengths = {"day": min(7 * season.length, 672), "week": 4 * season.length, "other": max(season.length, 8)}
    return lengths[_kind(season)]


def _usual_patch(freq: str, season: Season, horizon: int) -> int:
    """A week of what is observed within the day, else as many seasons as leave no more than `MAX_PATCHES`."""
    seasons = season.length * max(1, -(-horizon // (MAX_PATCHES * season.length)))
    week = week_length(freq) if season.is_usual else None
    return min(max(week or 8, seasons), horizon, MAX_PATCH_LENGTH)


def _usual_context(season: Season, horizon: int, available: int) -> int:
    """Three weeks of what is observed within the day, else several seasons and two horizons, if the data allow it."""
    kind = _kind(season)
    num_seasons = 8 if kind == "week" else 3
    wanted = 21 * season.length if kind == "day" else max(num_seasons * season.length, 2 * horizon, 24)
    return max(4, min(wanted, 1440, available * 2 // 3))

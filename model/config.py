"""Choices fixed before training, and how they follow from the data where nobody made them."""

from collections import Counter
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, Literal, get_args

from model.errors import ConfigurationInvalid, FrequencyUnknown, SeriesTooShort
from model.grid import season_length, week_length
from model.scheme import NO_SCHEME, Scheme, scheme_of
from model.series import Panel

DEFAULT_QUANTILE_LEVELS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)
"""The quantile levels that a network learns; others are interpolated between them."""

Preset = Literal["fast", "balanced", "best"]
"""How much is tried before a training: nothing, a little, or more."""

MIN_OBSERVATIONS = 16
"""The fewest from which a training makes sense."""

MAX_PATCH_LENGTH = 672
"""Beyond it a patch costs more than it tells: a week of quarters of an hour."""

MAX_CHANNELS = 256
"""Channels of a system: each adds a context's length to what the encoder reads, and a patch to what is read off."""

_LEAST_BATCH = 64
"""Windows of a gradient step where each shows many channels."""

MAX_PRECEDENT_WINDOWS = 256

MAX_PATCHES = 32
"""Patches in a horizon, unless asked for: each costs a step of the flow."""


USUAL_SEEDS = 3
"""Of a small panel. The best of several costs nothing to serve, where a mean of several costs their sum."""


@dataclass(frozen=True)
class TrainingOptions:
    """What a user may choose; None leaves the choice to the data.

    Attributes:
        horizon: The longest lead, in steps, that the network is trained on; it answers longer ones too.
        context_length: How many steps of history it sees.
        patch_length: How many steps are read off the flow at once.
        state_size: d, the size of the state x.
        inflation: α, so that the second state v has α·d components.
        num_particles: K, the particles that carry the control.
        steps_per_patch: Integration steps a patch.
        dropout: The share of x(0) dropped in training.
        learning_rate: The highest one of the one-cycle schedule.
        batch_size: Windows a gradient step.
        num_epochs: Epochs at most; training stops earlier once validation no longer improves.
        steps_per_epoch: Gradient steps an epoch.
        validation_steps: How many of each series' last steps are kept for validation.
        seed: Fixes the initial weights, the order of windows and the dropout.
        num_seeds: Trainings one after the other, from as many initial weights; the one that validates best is kept.
        calendar: Whether the phases of the day, the week and the year are covariates, too.
        joint: Whether the series are the channels of one system, forecast together; else each is forecast by itself.
        preset: One of `Preset`: how much is tried on validation data before what was left open is settled; see
            `selection`.
        time_budget_seconds: About how long trials and training may take together; without trials nothing changes.
        warm_start: The version whose weights to start from, as whoever keeps versions calls it; see `warm_start`.
    """

    horizon: int | None = None
    context_length: int | None = None
    patch_length: int | None = None
    state_size: int | None = None
    inflation: int | None = None
    num_particles: int | None = None
    steps_per_patch: int | None = None
    dropout: float | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    num_epochs: int | None = None
    steps_per_epoch: int | None = None
    validation_steps: int | None = None
    seed: int = 0
    num_seeds: int | None = None
    calendar: bool = False
    joint: bool = False
    preset: str = "fast"
    time_budget_seconds: float | None = None
    warm_start: str | None = None

    def __post_init__(self) -> None:
        if self.preset not in get_args(Preset):
            raise ConfigurationInvalid("preset", self.preset, f"one of {', '.join(get_args(Preset))}")
        if self.time_budget_seconds is not None and not 0 < self.time_budget_seconds < 1e9:
            raise ConfigurationInvalid("time_budget_seconds", self.time_budget_seconds, "a positive number of seconds")

    @property
    def chosen(self) -> dict[str, int | float]:
        """What the user chose among the fields of a configuration."""
        own = ("calendar", "joint", "preset", "time_budget_seconds", "warm_start")
        return {name: value for name, value in asdict(self).items() if value is not None and name not in own}


@dataclass(frozen=True)
class TrainingConfig:
    """Every choice of one training, complete; stored with its checkpoint.

    The fields that `TrainingOptions` has too mean the same here.

    Attributes:
        freq: The step of the grid, a pandas offset alias.
        season_length: Steps of its usual season.
        training_horizons: Each batch draws its length from these, ascending up to `horizon`; `horizon` alone if empty.
        mean_weight: Of the loss of the mean forecast, beside the one of the quantiles.
        anchored: Whether the network sees a context relative to its last value and answers relative to it.
        linear: Whether a line beside the flow has a share in what is said; see `blending`. It knows no covariates.
        quantile_levels: What the network learns, ascending.
        covariates: What it uses beside the target.
        channels: The item_ids of the series that form one system, ascending; none where each series is by itself.
        precedent_windows: On how many validation windows the share of precedents is chosen, 0 for none; see `lenses`.
            They know no covariates.

    Raises:
        ConfigurationInvalid: A value is impossible.
    """

    freq: str
    season_length: int
    horizon: int
    context_length: int
    patch_length: int
    validation_steps: int
    state_size: int = 128
    inflation: int = 2
    num_particles: int = 32
    steps_per_patch: int = 1
    dropout: float = 0.0
    learning_rate: float = 3e-3
    batch_size: int = 224
    num_epochs: int = 20
    steps_per_epoch: int = 50
    seed: int = 0
    num_seeds: int = 1
    training_horizons: tuple[int, ...] = ()
    mean_weight: float = 0.0
    anchored: bool = False
    linear: bool = False
    quantile_levels: tuple[float, ...] = DEFAULT_QUANTILE_LEVELS
    covariates: Scheme = NO_SCHEME
    channels: tuple[str, ...] = ()
    precedent_windows: int = 0

    @property
    def num_channels(self) -> int:
        """How many series are forecast together."""
        return max(1, len(self.channels))

    @property
    def horizons(self) -> tuple[int, ...]:
        """The lengths that batches draw from, `horizon` last."""
        return self.training_horizons or (self.horizon,)

    def __post_init__(self) -> None:
        for name, highest in _HIGHEST.items():
            found = getattr(self, name)
            if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= highest:
                raise ConfigurationInvalid(name, found, f"a whole number from 1 to {highest}")
        if not 0 <= self.dropout < 1:
            raise ConfigurationInvalid("dropout", self.dropout, "at least 0 and below 1")
        if not 0 < self.learning_rate <= 1:
            raise ConfigurationInvalid("learning_rate", self.learning_rate, "above 0 and at most 1")
        if not 0 <= self.mean_weight <= 1000:
            raise ConfigurationInvalid("mean_weight", self.mean_weight, "from 0 to 1000")
        if not 0 <= self.precedent_windows <= MAX_PRECEDENT_WINDOWS:
            needed = f"from 0 to {MAX_PRECEDENT_WINDOWS}"
            raise ConfigurationInvalid("precedent_windows", self.precedent_windows, needed)
        if not 0 <= self.seed < 2**63:
            raise ConfigurationInvalid("seed", self.seed, "a whole number from 0 to 2**63 - 1")
        self._check_lists()

    def _check_lists(self) -> None:
        if not _are_levels(self.quantile_levels):
            raise ConfigurationInvalid("quantile_levels", self.quantile_levels, "ascending and symmetric about 0.5")
        ascending = tuple(sorted({*self.horizons, self.horizon}))
        if self.horizons != ascending or ascending[0] < 1 or ascending[-1] > self.horizon:
            needed = f"ascending lengths up to the horizon of {self.horizon}"
            raise ConfigurationInvalid("training_horizons", self.training_horizons, needed)
        if len(self.channels) > MAX_CHANNELS or list(self.channels) != sorted({str(one) for one in self.channels}):
            raise ConfigurationInvalid("channels", len(self.channels), f"at most {MAX_CHANNELS} names, ascending")
        if self.channels and self.covariates:
            raise ConfigurationInvalid("channels", len(self.channels), "none where there are covariates")

    def to_json(self) -> dict[str, Any]:
        """The configuration as JSON's own types; without covariates or channels as before there were any."""
        fields = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        fields.pop("covariates")
        if not self.channels:
            fields.pop("channels")
        return fields | ({"covariates": self.covariates.to_json()} if self.covariates else {})

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "TrainingConfig":
        """The configuration that `to_json` gave, or that of an earlier release, which knew fewer choices."""
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
        covariates = Scheme.from_json(fields.pop("covariates")) if "covariates" in fields else NO_SCHEME
        return cls(**fields, covariates=covariates)


def _are_levels(levels: tuple[float, ...]) -> bool:
    """Whether these ascend between 0 and 1, the median in their middle and each with its counterpart."""
    ascending = all(lower < upper for lower, upper in pairwise((0.0, *levels, 1.0)))
    pairs = zip(levels, reversed(levels), strict=True)
    return ascending and len(levels) % 2 == 1 and all(abs(lower + upper - 1) < 1e-9 for lower, upper in pairs)


_HIGHEST = {
    "season_length": 100_000,
    "horizon": 100_000,
    "context_length": 100_000,
    "patch_length": 10_000,
    "validation_steps": 10_000_000,
    "state_size": 4096,
    "inflation": 256,
    "num_particles": 4096,
    "steps_per_patch": 1000,
    "batch_size": 65_536,
    "num_epochs": 10_000,
    "steps_per_epoch": 100_000,
    "num_seeds": 1000,
}


def choose_config(panel: Panel, options: TrainingOptions) -> TrainingConfig:
    """The configuration that follows from the data, with the user's own choices in place of it.

    The frequency is the commonest one of the panel. The context is three weeks of what is observed within the day, else
    several seasons and two horizons; a patch is a week of it, else a season. Batches draw their length from the horizon
    and its halves down to a season, and to a patch unless trials may settle on another one. Validation keeps the last
    part of each series, as far as the longest series allows. With trials, a small panel is learned from several seeds.

    Raises:
        FrequencyUnknown: No series says its frequency.
        SeriesTooShort: Even the longest series is too short to learn from.
        ConfigurationInvalid: A choice is impossible.
        CovariateMissing: A series lacks a covariate that another has.
    """
    freq = _commonest_frequency(panel)
    season = season_length(freq)
    longest = max(panel, key=len)
    num_steps = 1 + int(-longest.grid(freq).positions(longest.timestamps)[0])
    horizon = options.horizon or max(1, min(_usual_horizon(season), num_steps // 5))
    needed = least_observations(horizon)
    if min(len(longest), num_steps) < needed:
        raise SeriesTooShort(longest.item_id, len(longest), needed, f"training for a horizon of {horizon} steps")
    validation = options.validation_steps or max(horizon, min(num_steps * 3 // 20, num_steps - needed + horizon))
    context = options.context_length or _usual_context(season, horizon, num_steps - validation - horizon)
    patch = options.patch_length or _usual_patch(freq, season, horizon)
    covariates = scheme_of(panel, freq, calendar=options.calendar)
    channels = _channels(panel, covariates) if options.joint else ()
    config = TrainingConfig(
        freq=freq,
        season_length=season,
        horizon=horizon,
        context_length=context,
        patch_length=patch,
        validation_steps=validation,
        training_horizons=_halves(horizon, shortest=max(season, patch) if options.preset == "fast" else season),
        mean_weight=1.0,
        linear=not covariates,
        covariates=covariates,
        channels=channels,
        batch_size=max(_LEAST_BATCH, TrainingConfig.batch_size // max(1, len(channels))),
        precedent_windows=0 if covariates or channels else _usual_precedent_windows(options.preset, num_steps),
    )
    fields: dict[str, Any] = dict(options.chosen)
    config = replace(config, **fields)
    is_settled = options.preset == "fast" or options.num_seeds is not None
    return config if is_settled else replace(config, num_seeds=_usual_seeds(panel, config))


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


def _halves(horizon: int, *, shortest: int) -> tuple[int, ...]:
    """The horizon, its half, its quarter and its eighth, as far as they are no shorter than that; ascending."""
    lengths = {horizon} | {horizon // 2**power for power in (1, 2, 3)}
    return tuple(sorted(length for length in lengths if length == horizon or length >= shortest))


def _usual_seeds(panel: Panel, config: TrainingConfig) -> int:
    """Several where an epoch sees every observation anew: there seeds differ most, and cost least."""
    return USUAL_SEEDS if panel.num_observations <= config.steps_per_epoch * config.batch_size else 1


def _commonest_frequency(panel: Panel) -> str:
    known = Counter(one.freq for one in panel if one.freq is not None)
    if not known:
        raise FrequencyUnknown(panel.series[0].item_id)
    return known.most_common(1)[0][0]


def _usual_horizon(season: int) -> int:
    """A week of what is observed within the day, four weeks of days, a year of longer steps."""
    if season >= 24 and season != 52:
        return min(7 * season, 672)
    return 4 * season if season in (5, 7) else max(season, 8)


def _usual_precedent_windows(preset: str, num_steps: int) -> int:
    """As many as take seconds, or with trials up to a minute: each looks through a whole history, many times."""
    most, steps = (64, 300_000) if preset == "fast" else (MAX_PRECEDENT_WINDOWS, 1_000_000)
    return min(most, max(16, steps // num_steps))


def _usual_patch(freq: str, season: int, horizon: int) -> int:
    """A week of what is observed within the day, else as many seasons as leave no more than `MAX_PATCHES`."""
    seasons = season * max(1, -(-horizon // (MAX_PATCHES * season)))
    return min(max(week_length(freq) or 8, seasons), horizon, MAX_PATCH_LENGTH)


def _usual_context(season: int, horizon: int, available: int) -> int:
    """Three weeks of what is observed within the day, else several seasons and two horizons, if the data allow it."""
    within_day = season >= 24 and season != 52
    wanted = 21 * season if within_day else max((8 if season in (5, 7) else 3) * season, 2 * horizon, 24)
    return max(4, min(wanted, 1440, available * 2 // 3))

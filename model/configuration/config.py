"""Choices fixed before training: those of a user, and all of them together."""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

from model.contexts.scheme import NO_SCHEME, Scheme
from model.errors import ConfigurationInvalid
from model.panels.grid import LONGEST_SEASON, parse_frequency, season_length, week_length

DEFAULT_QUANTILE_LEVELS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)
"""The quantile levels that a network learns; others are interpolated between them."""

Precision = Literal["float32", "bfloat16"]
"""In which matrices are multiplied on a GPU while training; the CPU, and the particles anywhere, keep to float32."""

MAX_CHANNELS = 256
"""Channels of a system: each adds a context's length to what the encoder reads, and a patch to what is read off."""

MAX_PRECEDENT_WINDOWS = 256

Refit = Literal["none", "line", "all"]
"""What is fitted once more, on validation windows as well, when these have nothing left to choose."""

Floor = Literal["none", "zero"]
"""Below what no forecast goes."""

_REFIT_SHARE = 0.15
"""Of the epochs of a training: about as much as validation windows add to those learned from."""

Preset = Literal["fast", "balanced", "best"]
"""How much is tried before a training: nothing, a little, or more."""


@dataclass(frozen=True)
class TrainingOptions:
    """What a user may choose; None leaves the choice to the data.

    Attributes:
        horizon: The longest lead, in steps, that the network is trained on; it answers longer ones too.
        season_length: Steps after which values repeat; found in them, or else the usual one of the frequency.
        context_length: How many steps of history it sees.
        patch_length: How many steps are read off the flow at once.
        state_size: d, the size of the state x.
        inflation: α, so that the second state v has α·d components.
        num_particles: K, the particles that carry the control.
        steps_per_patch: Integration steps a patch.
        dropout: The share of x(0) dropped in training.
        hole_share: Of the training windows, how many have holes torn into their history; see `holes`.
        learning_rate: The highest one of the one-cycle schedule.
        batch_size: Windows a gradient step.
        accumulation: In how many parts a batch is computed, one after the other, where memory is short.
        precision: One of `Precision`.
        num_epochs: Epochs at most; training stops earlier once validation no longer improves.
        steps_per_epoch: Gradient steps an epoch.
        validation_steps: How many of each series' last steps are kept for validation.
        seed: Fixes the initial weights, the order of windows and the dropout.
        num_seeds: Trainings one after the other, from as many initial weights; the one that validates best is kept.
        calendar: Whether the phases of the day, the week and the year are covariates, too.
        joint: Whether the series are the channels of one system, forecast together; else each is forecast by itself.
        refit: One of `Refit`; see `refitting`.
        floor: One of `Floor`; see `model.forecasting.floor`.
        preset: One of `Preset`: how much is tried on validation data before what was left open is settled; see
            `selection`.
        time_budget_seconds: About how long trials and training may take together.
        warm_start: The version whose weights to start from, as whoever keeps versions calls it; see `warm_start`.
    """

    horizon: int | None = None
    season_length: int | None = None
    context_length: int | None = None
    patch_length: int | None = None
    state_size: int | None = None
    inflation: int | None = None
    num_particles: int | None = None
    steps_per_patch: int | None = None
    dropout: float | None = None
    hole_share: float | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    accumulation: int | None = None
    precision: str | None = None
    num_epochs: int | None = None
    steps_per_epoch: int | None = None
    validation_steps: int | None = None
    seed: int = 0
    num_seeds: int | None = None
    calendar: bool = False
    joint: bool = False
    refit: str | None = None
    floor: str | None = None
    preset: str = "fast"
    time_budget_seconds: float | None = None
    warm_start: str | None = None

    def __post_init__(self) -> None:
        if self.preset not in get_args(Preset):
            raise ConfigurationInvalid("preset", self.preset, f"one of {', '.join(get_args(Preset))}")
        if self.time_budget_seconds is not None and not 0 < self.time_budget_seconds < 1e9:
            raise ConfigurationInvalid("time_budget_seconds", self.time_budget_seconds, "a positive number of seconds")

    @property
    def chosen(self) -> dict[str, int | float | str]:
        """What the user chose among the fields of a configuration."""
        own = ("calendar", "joint", "preset", "time_budget_seconds", "warm_start")
        return {name: value for name, value in asdict(self).items() if value is not None and name not in own}


@dataclass(frozen=True)
class TrainingConfig:
    """Every choice of one training, complete; stored with its checkpoint.

    The fields that `TrainingOptions` has too mean the same here.

    Attributes:
        freq: The step of the grid, a pandas offset alias.
        season_length: Steps after which values repeat.
        period: Steps after which they repeat most fully, such as a week of days; 0 leaves it to the frequency, as in
            earlier releases.
        training_horizons: Each batch draws its length from these, ascending up to `horizon`; `horizon` alone if empty.
        mean_weight: Of the loss of the mean forecast, beside the one of the quantiles.
        anchored: Whether the network sees a context relative to its last value and answers relative to it.
        linear: Whether a line beside the flow has a share in what is said; see `blending`. Of covariates it knows
            what `regression` does.
        regression: Whether values are regressed on signals known in advance, and flow and line see what is left; see
            `model.networks.regression`.
        quantile_levels: What the network learns, ascending.
        covariates: What it uses beside the target.
        channels: The item_ids of the series that form one system, ascending; none where each series is by itself.
        precedent_windows: On how many validation windows the share of precedents is chosen, 0 for none; see `lenses`.
            They know no covariates.

    Raises:
        ConfigurationInvalid: A value is impossible.
        FrequencyInvalid: There is no such frequency.
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
    hole_share: float = 0.0
    learning_rate: float = 3e-3
    batch_size: int = 224
    accumulation: int = 1
    precision: str = "float32"
    num_epochs: int = 20
    steps_per_epoch: int = 50
    seed: int = 0
    num_seeds: int = 1
    period: int = 0
    training_horizons: tuple[int, ...] = ()
    mean_weight: float = 0.0
    anchored: bool = False
    linear: bool = False
    regression: bool = False
    refit: str = "none"
    floor: str = "none"
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

    @property
    def week_length(self) -> int | None:
        """Steps of a week where the season is a day; None elsewhere."""
        return week_length(self.freq) if self.has_usual_season else None

    @property
    def has_usual_season(self) -> bool:
        """Whether the season is the one that its frequency usually has."""
        return self.season_length == season_length(self.freq)

    def season_at(self, freq: str) -> int:
        """Steps of a season of a series that may have another frequency."""
        return season_length(freq) if self.has_usual_season and freq != self.freq else self.season_length

    @property
    def num_refit_epochs(self) -> int:
        """How many more the flow learns from all windows, once nothing is left to be chosen."""
        return max(1, round(_REFIT_SHARE * self.num_epochs)) if self.refit == "all" else 0

    def __post_init__(self) -> None:
        for name, highest in _HIGHEST.items():
            found = getattr(self, name)
            if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= highest:
                raise ConfigurationInvalid(name, found, f"a whole number from 1 to {highest}")
        if not 0 <= self.dropout < 1:
            raise ConfigurationInvalid("dropout", self.dropout, "at least 0 and below 1")
        if not 0 < self.learning_rate <= 1:
            raise ConfigurationInvalid("learning_rate", self.learning_rate, "above 0 and at most 1")
        for name, highest in _HIGHEST_OR_NONE.items():
            if not 0 <= getattr(self, name) <= highest:
                raise ConfigurationInvalid(name, getattr(self, name), f"from 0 to {highest}")
        if not 0 <= self.seed < 2**63:
            raise ConfigurationInvalid("seed", self.seed, "a whole number from 0 to 2**63 - 1")
        parse_frequency(self.freq)
        self._check_names_and_lists()

    def _check_names_and_lists(self) -> None:
        if self.refit not in get_args(Refit):
            raise ConfigurationInvalid("refit", self.refit, f"one of {', '.join(get_args(Refit))}")
        if self.floor not in get_args(Floor):
            raise ConfigurationInvalid("floor", self.floor, f"one of {', '.join(get_args(Floor))}")
        if self.precision not in get_args(Precision):
            raise ConfigurationInvalid("precision", self.precision, f"one of {', '.join(get_args(Precision))}")
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


_HIGHEST_OR_NONE = {
    "hole_share": 1,
    "period": 7 * LONGEST_SEASON,
    "mean_weight": 1000,
    "precedent_windows": MAX_PRECEDENT_WINDOWS,
}
_HIGHEST = {
    "season_length": LONGEST_SEASON,
    "horizon": 100_000,
    "context_length": 100_000,
    "patch_length": 10_000,
    "validation_steps": 10_000_000,
    "state_size": 4096,
    "inflation": 256,
    "num_particles": 4096,
    "steps_per_patch": 1000,
    "batch_size": 65_536,
    "accumulation": 4096,
    "num_epochs": 10_000,
    "steps_per_epoch": 100_000,
    "num_seeds": 1000,
}

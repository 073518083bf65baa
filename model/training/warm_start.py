"""A training that goes on from the weights of another version instead of random ones."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from model.configuration.choosing import Reasoned, choose
from model.configuration.config import TrainingConfig, TrainingOptions
from model.contexts.scheme import Scheme
from model.errors import WarmStartMismatch
from model.networks.network import ShootingNetwork
from model.panels.series import Panel
from model.training.checkpoint import Checkpoint, Origin

_SHAPES = ("context_length", "patch_length", "state_size", "inflation", "num_particles")
"""Options that decide the sizes of weights. The horizon decides only those of the line, which is solved anew."""

_SOLVED = ("linear.", "regression.")


@dataclass(frozen=True, eq=False)
class WarmStart:
    """Where a training starts from.

    Attributes:
        reference: What the version is called where it is kept.
        checkpoint: Of the version.
    """

    reference: str
    checkpoint: Checkpoint

    @property
    def origin(self) -> Origin:
        """What a manifest tells of it."""
        return Origin(self.reference, self.checkpoint.manifest)

    def weigh(self, network: ShootingNetwork) -> None:
        """Gives a network of a configuration that `configure` made the weights, except those of the line."""
        known = self.checkpoint.network.state_dict()
        network.load_state_dict(
            {name: value if name.startswith(_SOLVED) else known[name] for name, value in network.state_dict().items()}
        )


def configure(panel: Panel, options: TrainingOptions, start: WarmStart | None = None) -> TrainingConfig:
    """The configuration of a training; see `choose_from`."""
    return choose_from(panel, options, start).config


def choose_from(panel: Panel, options: TrainingOptions, start: WarmStart | None = None) -> Reasoned:
    """The configuration of a training: as `choose` has it, or as near to that of its start as the user allows.

    Sizes, the season, the treatment of a context and the units of covariates are those of the start, and so is the
    horizon, unless another is chosen. How long to train and what to validate on follow from the options and the data.

    Raises:
        ForecastingError: As `choose`.
        WarmStartMismatch: What the user chose, or the data, do not go with the weights.
    """
    if start is None:
        return choose(panel, options)
    before = start.checkpoint.config
    left_open = [
        name for name in (*_SHAPES, "season_length", "horizon", "steps_per_patch") if getattr(options, name) is None
    ]
    wanted = replace(
        options,
        calendar=options.calendar or bool(before.covariates.calendar),
        joint=options.joint or bool(before.channels),
        **{name: getattr(before, name) for name in left_open},
    )
    choice = choose(panel, wanted)
    found = choice.config
    differences = tuple(_differences(before, found))
    if differences:
        raise WarmStartMismatch(start.reference, differences)
    config = replace(
        found,
        period=before.period if found.season_length == before.season_length else found.period,
        anchored=before.anchored,
        linear=before.linear,
        regression=before.regression,
        quantile_levels=before.quantile_levels,
        covariates=before.covariates,
        dropout=before.dropout if options.dropout is None else options.dropout,
        learning_rate=before.learning_rate if options.learning_rate is None else options.learning_rate,
        num_seeds=options.num_seeds or 1,
    )
    why = f"as {start.reference} has it, whose weights this starts from"
    own = {name: why for name in (*left_open, "dropout", "learning_rate") if getattr(options, name) is None}
    return choice.because(own).within(config, why)


def _differences(before: TrainingConfig, found: TrainingConfig) -> Iterator[tuple[str, str, str]]:
    """What differs: its name, what the version has, and what the training would have."""
    for name in ("freq", *_SHAPES):
        if getattr(before, name) != getattr(found, name):
            yield name, str(getattr(before, name)), str(getattr(found, name))
    kinds = zip(_KINDS, _named(before.covariates), _named(found.covariates), strict=True)
    for kind, own, other in (*kinds, ("channels", before.channels, found.channels)):
        if own != other:
            yield kind, ", ".join(own) or "none", ", ".join(other) or "none"


_KINDS = ("past covariates", "future covariates", "calendar", "numeric facts", "named facts")


def _named(scheme: Scheme) -> tuple[tuple[str, ...], ...]:
    """The names of covariates by kind; their units are those of the start."""
    of_values = (tuple(one.name for one in kind) for kind in (scheme.past, scheme.future))
    facts = (tuple(one.name for one in kind) for kind in (scheme.measures, scheme.choices))
    return (*of_values, scheme.calendar, *facts)

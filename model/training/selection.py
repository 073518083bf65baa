"""What neither the user nor a rule can settle, settled by short trainings on validation data.

One thing after the other, each under the best of what was settled before: the length of a patch; the regularisation;
the length of the context and whether to answer relative to the last value. Among choices as good as the best, the
first one is taken: the shortest patch; most dropout and smallest steps, which are most cautious; the rule's context.
`judging` says how good one is.
Where the last trial, of twice the length, is no better than the one of its kind, little is left to learn, and the
training is a short one.
"""

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from model.configuration.choosing import MAX_PATCH_LENGTH, MAX_PATCHES
from model.configuration.config import TrainingConfig, TrainingOptions
from model.configuration.reason import Reason
from model.configuration.trial import Trial
from model.errors import TrainingDiverged
from model.files import written_whole
from model.panels.series import Panel
from model.training.judging import METHOD, Judge
from model.training.learning import Learned, learn
from model.training.team import Team
from model.training.warm_start import WarmStart, choose_from

AS_GOOD = 1.02
"""A score up to so many times the best one counts as good as it: differences below are noise of the seed."""

REGULARISATIONS = ((0.2, 1e-3), (0.2, 3e-3), (0.0, 3e-3))
"""Dropout and learning rate, from the most cautious to the least."""

_SHARES = {"balanced": 0.1, "best": 0.25}
"""Of the epochs, for each trial."""

SHORT_IN_TRIALS = 4
"""How many times as long as a trial a short training is."""

_Round = Callable[[TrainingConfig, set[str]], list[TrainingConfig]]
"""The candidates of one round, under what was settled before it and what the user chose."""

_BUDGET_SHARE = 0.5
_AS_BUDGETED = "as many as the time budget allows"


@dataclass(frozen=True)
class Selection:
    """A configuration, and the trials that led to it.

    Attributes:
        config: The choice.
        trials: In their order; none where nothing was left open.
        reasons: Why the choices are what they are.
    """

    config: TrainingConfig
    trials: tuple[Trial, ...]
    reasons: tuple[Reason, ...] = ()


def select(
    panel: Panel,
    options: TrainingOptions,
    *,
    record_path: Path | None = None,
    on_trial: Callable[[Trial], None] = lambda trial: None,
    should_stop: Callable[[], bool] = lambda: False,
    device: str | None = None,
    start: WarmStart | None = None,
) -> Selection:
    """Chooses a configuration; by rules alone for the preset `fast`, else by trials where the user left a choice open.

    Under a time budget `fast` has a trial of one epoch, which tells its pace.

    The same seed gives the same choice, unless a time budget cuts trials short.

    Args:
        panel: What will be learned from; trials, too, only validate on its validation steps.
        options: What the user chose.
        record_path: A file that keeps finished trials, so that an interrupted selection repeats none of them.
        on_trial: Told after each trial, repeated ones left out.
        should_stop: Asked before each gradient step.
        device: `cpu`, `cuda` or `cuda:N`; the best one of the machine if left out.
        start: Where trials start from, too, if not from random weights; then only the regularisation is open.

    Raises:
        ForecastingError: As `configure` and `fit` do.
    """
    choice = choose_from(panel, options, start)
    config = choice.config
    if options.preset == "fast" and options.time_budget_seconds is None:
        return Selection(config, (), choice.reasons)
    origin = [] if start is None else [start.checkpoint.manifest.digest]
    purpose = hashlib.sha256(json.dumps([METHOD, asdict(options), panel.digest(), *origin]).encode()).hexdigest()
    record, judge = _Record(record_path, purpose), Judge()

    def attempt(candidate: TrainingConfig) -> tuple[Trial, float]:
        trial = record.next()
        if trial is not None:
            return trial, trial.seconds
        started, team = time.monotonic(), Team.current()
        learned = learn(panel, candidate, should_stop=should_stop, device=device, start=start)
        # Processes that train together have to choose alike.
        score = team.agreed(judge.score(learned, candidate.mean_weight), learned.device)
        trial = _tried(learned, candidate, score)
        record.add(trial)
        on_trial(trial)
        return trial, team.agreed(time.monotonic() - started, learned.device)

    if options.preset == "fast":
        pace, spent = attempt(replace(config, num_epochs=1, num_seeds=1))
        choice = choice.within(_within(config, [pace], options, spent), _AS_BUDGETED)
        return Selection(choice.config, (pace,), choice.reasons)
    budget = None if options.time_budget_seconds is None else options.time_budget_seconds * _BUDGET_SHARE
    race = _Race(attempt, budget)
    num_epochs = max(1, round(config.num_epochs * _SHARES[options.preset]))
    rounds = (_patches, _regularisations, _contexts) if start is None else (_regularisations,)
    best = _rounds(race, rounds, config, set(options.chosen), num_epochs)
    by_trials = f"the first as good as the best of {len(race.trials)} short trainings, by validation data"
    choice = choice.within(best, by_trials)
    settled = _no_longer_than_needed(race, best, set(options.chosen), num_epochs)
    choice = choice.within(settled, "a short training: a trial of twice the length was no better")
    choice = choice.within(_within(settled, race.trials, options, race.spent_seconds), _AS_BUDGETED)
    return Selection(choice.config, tuple(race.trials), choice.reasons)


class _Race:
    """Trials until the time is used up.

    Attributes:
        spent_seconds: On all trials, with what comes before their first step and after their last one.
    """

    def __init__(self, attempt: Callable[[TrainingConfig], tuple[Trial, float]], budget_seconds: float | None) -> None:
        self._attempt = attempt
        self._budget_seconds = budget_seconds
        self.spent_seconds = 0.0
        self._known: dict[TrainingConfig, Trial] = {}

    @property
    def trials(self) -> list[Trial]:
        """In their order."""
        return list(self._known.values())

    @property
    def is_over(self) -> bool:
        """Whether no time is left for another one."""
        return self._budget_seconds is not None and self.spent_seconds >= self._budget_seconds

    def best(self, candidates: Sequence[TrainingConfig], num_epochs: int) -> TrainingConfig:
        """The first candidate that is as good as the best of those there was time for."""
        scores: dict[int, float] = {}
        for number, candidate in enumerate(candidates):
            if self.is_over:
                break
            with contextlib.suppress(TrainingDiverged):
                scores[number] = self._trial(replace(candidate, num_epochs=num_epochs, num_seeds=1)).score
        limit = AS_GOOD * min(scores.values(), default=0.0)
        return candidates[next((number for number, score in scores.items() if score <= limit), 0)]

    def is_settled(self, config: TrainingConfig, num_epochs: int) -> bool:
        """Whether a trial of twice the length is no better; not where there was no time for it."""
        if self.is_over:
            return False
        with contextlib.suppress(TrainingDiverged):
            once, twice = (
                self._trial(replace(config, num_epochs=length, num_seeds=1)).score
                for length in (num_epochs, 2 * num_epochs)
            )
            return once <= AS_GOOD * twice
        return False

    def _trial(self, candidate: TrainingConfig) -> Trial:
        if candidate not in self._known:
            self._known[candidate], seconds = self._attempt(candidate)
            self.spent_seconds += seconds
        return self._known[candidate]


def _rounds(
    race: _Race, rounds: Sequence[_Round], config: TrainingConfig, pinned: set[str], num_epochs: int
) -> TrainingConfig:
    """What was tried stays as it is in rounds that there is no time for."""
    for choices in rounds:
        candidates = choices(config, pinned)
        if len(candidates) > 1 and not race.is_over:
            config = race.best(candidates, num_epochs)
    return config


def _no_longer_than_needed(race: _Race, config: TrainingConfig, pinned: set[str], num_epochs: int) -> TrainingConfig:
    short = replace(config, num_epochs=SHORT_IN_TRIALS * num_epochs)
    if "num_epochs" in pinned or short.num_epochs >= config.num_epochs:
        return config
    return short if race.is_settled(config, num_epochs) else config


def _regularisations(config: TrainingConfig, pinned: set[str]) -> list[TrainingConfig]:
    """Every regularisation that is open, the most cautious first."""
    found = [
        replace(
            config,
            dropout=config.dropout if "dropout" in pinned else dropout,
            learning_rate=config.learning_rate if "learning_rate" in pinned else rate,
        )
        for dropout, rate in REGULARISATIONS
    ]
    return list(dict.fromkeys(found))


def _patches(config: TrainingConfig, pinned: set[str]) -> list[TrainingConfig]:
    """A season, several seasons, or the whole horizon; as many as leave the flow neither too many steps nor none.

    They are compared under the second regularisation, which neither starves nor overfits.
    """
    usual = _regularisations(config, pinned)[:2][-1]
    if "patch_length" in pinned:
        return [usual]
    season = max(config.season_length, 8)
    wanted = {config.patch_length, season, 4 * season, config.horizon}
    shortest = -(-config.horizon // MAX_PATCHES)
    possible = [patch for patch in wanted if shortest <= patch <= min(config.horizon, MAX_PATCH_LENGTH)]
    return [replace(usual, patch_length=patch) for patch in sorted(possible)]


def _contexts(config: TrainingConfig, pinned: set[str]) -> list[TrainingConfig]:
    """The same relative to the last value, and with shorter contexts."""
    lengths = [] if "context_length" in pinned else [config.context_length * 2 // 3, config.context_length // 3]
    shorter = [replace(config, context_length=length) for length in lengths if length >= max(4, config.season_length)]
    return [config, replace(config, anchored=True), *shorter]


def _within(
    config: TrainingConfig, trials: Sequence[Trial], options: TrainingOptions, spent_seconds: float
) -> TrainingConfig:
    """As many seeds as fit into what is left of the budget, and as many epochs of one where that is too long.

    By the pace of the trials of this kind; of a kind that there was no time to try, by the pace of all trials.
    """
    kind = _kind(config)
    own = [trial for trial in trials if _kind(trial) == kind] or trials
    if options.time_budget_seconds is None or not own:
        return config
    left = options.time_budget_seconds - spent_seconds
    a_step = sum(one.seconds for one in own) / sum(one.num_steps for one in own)
    trainings = left / (config.num_epochs * config.steps_per_epoch * a_step)
    refit = config.num_refit_epochs / config.num_epochs
    num_seeds = options.num_seeds or max(1, min(config.num_seeds, int(trainings - refit)))
    num_epochs = int(config.num_epochs * trainings / (num_seeds + refit))
    return replace(config, num_seeds=num_seeds, num_epochs=max(1, min(config.num_epochs, num_epochs)))


def _kind(choice: TrainingConfig | Trial) -> tuple[object, ...]:
    return choice.context_length, choice.patch_length, choice.dropout, choice.learning_rate, choice.anchored


def _tried(learned: Learned, config: TrainingConfig, score: float) -> Trial:
    return Trial(
        context_length=config.context_length,
        patch_length=config.patch_length,
        dropout=config.dropout,
        learning_rate=config.learning_rate,
        anchored=config.anchored,
        num_steps=config.num_epochs * config.steps_per_epoch,
        score=score,
        seconds=learned.seconds,
    )


class _Record:
    """Trials that were finished before an interruption, in their order."""

    def __init__(self, path: Path | None, purpose: str) -> None:
        self._path = path
        self._purpose = purpose
        self._earlier = iter(self._read())
        self._all: list[Trial] = []

    def next(self) -> Trial | None:
        """The next one of those that are known, None after the last."""
        trial = next(self._earlier, None)
        if trial is not None:
            self._all.append(trial)
        return trial

    def add(self, trial: Trial) -> None:
        """Keeps another one."""
        self._all.append(trial)
        if self._path is not None:
            with written_whole(self._path) as file:
                content = {"purpose": self._purpose, "trials": [asdict(one) for one in self._all]}
                file.write_text(json.dumps(content))

    def _read(self) -> list[Trial]:
        try:
            content = json.loads(self._path.read_text()) if self._path is not None else {}
            return [Trial(**one) for one in content["trials"]] if content["purpose"] == self._purpose else []
        except (OSError, ValueError, KeyError, TypeError):
            return []

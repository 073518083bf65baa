"""Use case: train, examine, register and promote a version, in this process."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.exams import has_seen, hold_back
from app.jobs.values import PromotionPolicy
from app.promotion import Verdict, carry_out, judge
from app.stores.references import check_name
from app.stores.registry import Registry
from app.stores.versions import Version
from model import (
    BacktestReport,
    Checkpoint,
    Forecaster,
    Panel,
    Progress,
    Reason,
    Reasoned,
    Selection,
    TrainingOptions,
    Trial,
    WarmStart,
    fit,
    select,
)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a training came to: a version, and what became of the alias and why."""

    version: Version
    verdict: Verdict

    @property
    def decision(self) -> str:
        """What became of the alias, and why, in a sentence."""
        return self.verdict.decision


@dataclass(frozen=True)
class TrainingPlan:
    """What to train, and for whom.

    Attributes:
        name: The model that the version will belong to.
        actor: Who is named in the alias's history.
        options: What the user chose.
        policy: What happens to the alias `production`; the first version of a name always gets it.
        job_id: The job this is, so that a repeated one registers once.
        dataset_id: The dataset that the panel came from.
        dataset_digest: Of the dataset's revision that it is.
        earlier_decision: What was decided when this was begun before and cut off.
    """

    name: str
    actor: str
    options: TrainingOptions = field(default_factory=TrainingOptions)
    policy: PromotionPolicy = "promote_if_better"
    job_id: str | None = None
    dataset_id: str | None = None
    dataset_digest: str | None = None
    earlier_decision: str | None = None


def find_start(registry: Registry, options: TrainingOptions) -> WarmStart | None:
    """The version that a training is to start from, if one is named.

    Raises:
        NameInvalid, ModelNotFound, AliasNotFound, VersionNotFound
        CheckpointError: It cannot be trusted.
    """
    if options.warm_start is None:
        return None
    version = registry.pin(options.warm_start)
    return WarmStart(str(version), Checkpoint.load(registry.checkpoint_path(version)))


def trials_path(state_path: Path) -> Path:
    """Where the trials of a training are kept, beside its state."""
    return state_path.with_name(f"{state_path.name}.trials")


def train(
    registry: Registry,
    panel: Panel,
    plan: TrainingPlan,
    *,
    state_path: Path | None = None,
    on_epoch: Callable[[Progress], None] = lambda _: None,
    on_trial: Callable[[Trial], None] = lambda _: None,
    on_verdict: Callable[[Verdict], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Trains, evaluates, registers and, if the policy allows, promotes; in this process.

    The last horizon of each series that is long enough is held back from training, or a few where they are a small part
    of the series; the version is examined on them.

    Args:
        registry: Where the version goes.
        panel: What to train on.
        plan: What to train.
        state_path: Where to keep what a resumed training goes on from.
        on_epoch: Told after each epoch.
        on_trial: Told after each short training that comes before it.
        on_verdict: Told what becomes of the alias, before it moves.
        should_stop: Asked before each batch.

    Raises:
        TrainingCancelled: `should_stop` said so.
        ForecastingError: The series or the options allow no training, or it diverged.
    """
    check_name(plan.name)
    start = find_start(registry, plan.options)
    planned, kept, exam = hold_back(panel, plan.options, start)
    checkpoint = _learn(kept, plan.options, planned, start, state_path, on_epoch, on_trial, should_stop)
    report = None
    if exam is not None:
        report = exam.report(Forecaster(checkpoint), should_stop)
        # The manifest knows one last instant for the whole panel; what was held back of each series is known here.
        report = replace(report, overlaps_training=start is not None and has_seen(start, kept, exam))
    version = _register(registry, checkpoint, plan, report)
    verdict = judge(
        registry, version, plan.policy, exam, earlier_decision=plan.earlier_decision, should_stop=should_stop
    )
    on_verdict(verdict)
    verdict = carry_out(registry, version, verdict, actor=plan.actor)
    return Outcome(registry.version(version.name, version.number), verdict)


def take_part(registry: Registry, panel: Panel, plan: TrainingPlan) -> None:
    """Does the part of another process in a training that the first process of a team runs, tells and registers.

    Raises:
        TrainingPartnerLost: Another process has ended.
        ForecastingError: As `train` does.
    """
    start = find_start(registry, plan.options)
    planned, kept, _ = hold_back(panel, plan.options, start)
    _learn(kept, plan.options, planned, start)


def _learn(
    panel: Panel,
    options: TrainingOptions,
    planned: Reasoned,
    start: WarmStart | None,
    state_path: Path | None = None,
    on_epoch: Callable[[Progress], None] = lambda _: None,
    on_trial: Callable[[Trial], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Checkpoint:
    record = None if state_path is None else trials_path(state_path)
    options = replace(options, horizon=planned.config.horizon)
    chosen = select(panel, options, record_path=record, on_trial=on_trial, should_stop=should_stop, start=start)
    return fit(
        panel,
        chosen.config,
        trials=chosen.trials,
        reasons=_reasons(planned, chosen),
        state_path=state_path,
        on_epoch=on_epoch,
        should_stop=should_stop,
        start=start,
    )


def _reasons(planned: Reasoned, chosen: Selection) -> tuple[Reason, ...]:
    """Why the choices are what they are; the horizon was chosen before anything was held back."""
    before = {one.choice: one for one in planned.reasons}
    return tuple(before.get(one.choice, one) if one.choice == "horizon" else one for one in chosen.reasons)


def _register(registry: Registry, checkpoint: Checkpoint, plan: TrainingPlan, report: BacktestReport | None) -> Version:
    return registry.register(
        plan.name,
        checkpoint,
        job_id=plan.job_id,
        dataset_id=plan.dataset_id,
        dataset_digest=plan.dataset_digest,
        report=report,
    )

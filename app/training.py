"""Use case: submit a training, and run one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pandas as pd

from app.errors import DatasetError, JobNotResumable
from app.jobs.jobs import Jobs
from app.jobs.ledger import JobLedger
from app.jobs.values import JobNotice, PromotionPolicy, TrainingJob, TrainingRequest
from app.promotion import Exam, Verdict, carry_out, judge
from app.stores.audit_log import Change
from app.stores.database import now
from app.stores.datasets import Datasets
from app.stores.references import PRODUCTION, check_name
from app.stores.registry import Registry
from app.stores.versions import Version
from model import (
    BacktestReport,
    Checkpoint,
    Cutoffs,
    Forecaster,
    Panel,
    Progress,
    Reason,
    Reasoned,
    Selection,
    Series,
    SeriesTooShort,
    TrainingConfig,
    TrainingOptions,
    Trial,
    WarmStart,
    audit_panel,
    choose_from,
    configure,
    fit,
    select,
)

_LEAST_KEPT: Final = 0.8
"""The share of a series that must be left for training when its last horizon is held back."""

_MOST_NOTICES: Final = 20
_MOST_HELD_BACK: Final = 0.05
_MOST_CUTOFFS: Final = 4
"""More than one horizon is held back only as long as it is a small part of the shortest series examined."""


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


def submit(
    jobs: Jobs,
    registry: Registry,
    datasets: Datasets,
    request: TrainingRequest,
    *,
    idempotency_key: str | None = None,
) -> TrainingJob:
    """Queues a training on a stored dataset; store an inline panel with `datasets.add` first.

    A warm start is from the version that its reference means now.

    Raises:
        NameInvalid, DatasetNotFound, ModelNotFound, VersionNotFound, AliasNotFound, IdempotencyMismatch
        ForecastingError: The series or the options allow no training.
    """
    check_name(request.model_name)
    start = find_start(registry, request.options)
    configure(datasets.panel(request.dataset_id), request.options, start)
    pinned = replace(request, options=replace(request.options, warm_start=None if start is None else start.reference))
    return jobs.submit(pinned, as_asked=request, idempotency_key=idempotency_key)


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


def resume(jobs: Jobs, datasets: Datasets, job_id: str, *, folder: Path) -> TrainingJob:
    """Queues a cancelled or failed job to go on from its last epoch, on the data that it began with.

    Args:
        jobs: Where it is.
        datasets: Where its data is.
        job_id: Its id.
        folder: Where the state of trainings is kept.

    Raises:
        JobNotFound
        JobNotResumable: It has succeeded or has not ended, or what it needs is no longer kept.
    """
    job = jobs.get(job_id, TrainingJob)
    if job.state in ("cancelled", "failed"):
        try:
            datasets.panel(job.request.dataset_id, digest=job.dataset_digest)
        except DatasetError as error:
            raise JobNotResumable(job_id, error.detail.rstrip(".")) from error
        if job.epoch and not (folder / job_id).exists():
            raise JobNotResumable(job_id, f"the state it was in after epoch {job.epoch} is no longer kept")
    return jobs.resume(job_id)


def run_job(
    job: TrainingJob,
    registry: Registry,
    datasets: Datasets,
    ledger: JobLedger,
    *,
    folder: Path,
    should_stop: Callable[[], bool],
) -> Outcome:
    """Does what a job asks; called again after a crash, it goes on from the last epoch and still registers once.

    Args:
        job: The job.
        registry: Where the version goes.
        datasets: Where the panel is.
        ledger: Where its progress is noted.
        folder: Where its state is kept in between.
        should_stop: Asked before each batch.

    Raises:
        TrainingCancelled: `should_stop` said so.
        ForecastingError: The dataset is damaged, or the series or the options allow no training, or it diverged.
    """
    request = job.request
    plan = TrainingPlan(
        request.model_name,
        f"job {job.id}",
        request.options,
        request.policy,
        job.id,
        request.dataset_id,
        job.dataset_digest,
        job.decision,
    )
    panel = datasets.panel(request.dataset_id, digest=job.dataset_digest)
    ledger.record_notices(job.id, find_notices(panel, request.options, find_start(registry, request.options)))
    folder.mkdir(parents=True, exist_ok=True)
    outcome = train(
        registry,
        panel,
        plan,
        state_path=folder / job.id,
        on_epoch=lambda progress: ledger.record_epoch(job.id, progress),
        on_verdict=lambda verdict: ledger.record_decision(job.id, verdict.decision),
        should_stop=should_stop,
    )
    for kept in (folder / job.id, trials_path(folder / job.id)):
        kept.unlink(missing_ok=True)
    return outcome


def trials_path(state_path: Path) -> Path:
    """Where the trials of a training are kept, beside its state."""
    return state_path.with_name(f"{state_path.name}.trials")


def changes_of(outcome: Outcome, actor: str) -> Iterator[Change]:
    """What the audit log is told of a training: the version, what it was compared with, and whether the alias moved."""
    version, found = outcome.version, outcome.verdict.comparison
    details: dict[str, str | int | None] = {"decision": outcome.decision}
    if found is not None:
        details |= {
            "num_forecasts": found.num_forecasts,
            "mase": f"{found.own:.4f}",
            "seasonal_naive_mase": f"{found.naive:.4f}",
            "production_version": found.rival_number,
            "production_mase": None if found.rival is None else f"{found.rival:.4f}",
        }
    yield Change(actor, "version.trained", f"/v1/models/{version.name}/versions/{version.number}", details)
    if outcome.verdict.promotes:
        alias = f"/v1/models/{version.name}/aliases/{PRODUCTION}"
        yield Change(actor, "alias.moved", alias, {"version": version.number})


def find_notices(panel: Panel, options: TrainingOptions, start: WarmStart | None = None) -> tuple[JobNotice, ...]:
    """Another season than the usual one, and what an audit finds in the data, the worst first, as far as one reads."""
    audit = audit_panel(panel, horizon=options.horizon, now=now(), max_items=_MOST_NOTICES)
    found = [*audit.findings, *(finding for one in audit.items for finding in one.findings)]
    notices = [JobNotice(one.code, one.detail, one.fix, one.item_id) for one in found[:_MOST_NOTICES]]
    return (*_season_notices(choose_from(panel, options, start)), *notices)


def _season_notices(planned: Reasoned) -> Iterator[JobNotice]:
    """That values repeat after other steps than those of their frequency usually do."""
    if planned.config.has_usual_season:
        return
    detail = next(
        f"The season has {one.value} steps: {one.why}." for one in planned.reasons if one.choice == "season_length"
    )
    yield JobNotice("season_found", detail, "Name season_length among the options to have another one.")


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
    planned, kept, exam = _hold_back(panel, plan.options, start)
    checkpoint = _learn(kept, plan.options, planned, start, state_path, on_epoch, on_trial, should_stop)
    report = None
    if exam is not None:
        report = exam.report(Forecaster(checkpoint), should_stop)
        # The manifest knows one last instant for the whole panel; what was held back of each series is known here.
        report = replace(report, overlaps_training=start is not None and _has_seen(start, kept, exam))
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
    planned, kept, _ = _hold_back(panel, plan.options, start)
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


def _hold_back(panel: Panel, options: TrainingOptions, start: WarmStart | None) -> tuple[Reasoned, Panel, Exam | None]:
    """The choices for all there is, what to train on, and the exam on what is held back, if that leaves enough."""
    planned = choose_from(panel, options, start)
    config = planned.config
    examined = _examined(panel, _without(panel, config, config.horizon))
    if not examined:
        return planned, panel, None
    spare = min(len(one) for one in examined) * _MOST_HELD_BACK
    num_cutoffs = max(1, min(_MOST_CUTOFFS, int(spare / config.horizon)))
    kept = _without(panel, config, num_cutoffs * config.horizon)
    examined = _examined(panel, kept)
    try:
        configure(kept, replace(options, horizon=config.horizon), start)
    except SeriesTooShort:
        return planned, panel, None
    if not examined:
        return planned, panel, None
    return planned, kept, Exam(Panel(examined), Cutoffs(config.horizon, num_cutoffs), config.season_length)


def _examined(panel: Panel, kept: Panel) -> tuple[Series, ...]:
    return tuple(one for one, before in zip(panel, kept, strict=True) if before is not one)


def _without(panel: Panel, config: TrainingConfig, num_steps: int) -> Panel:
    """The panel without its last steps, a system at once; what would be left with too little stays as it is."""
    if not config.channels:
        return Panel(tuple(_without_last(one, config.freq, num_steps) for one in panel))
    cutoff = max(panel, key=lambda one: one.last).grid(config.freq).timestamps(-num_steps, -num_steps)[0]
    if any((one.timestamps <= cutoff).sum() < _LEAST_KEPT * len(one) for one in panel):
        return panel
    return Panel(tuple(one.until(cutoff) for one in panel))


def _without_last(series: Series, freq: str, num_steps: int) -> Series:
    """The series without its last steps; the series itself where too little would be left."""
    cutoff = series.grid(freq).timestamps(-num_steps, -num_steps)[0]
    if (series.timestamps <= cutoff).sum() < _LEAST_KEPT * len(series):
        return series
    return series.until(cutoff)


def _has_seen(start: WarmStart, kept: Panel, exam: Exam) -> bool:
    """Whether the version that a training started from may have learned from what was held back."""
    examined = {one.item_id for one in exam.panel}
    first = min(one.last for one in kept if one.item_id in examined)
    return bool(first < pd.Timestamp(start.checkpoint.manifest.trained_until).to_datetime64())


def _register(registry: Registry, checkpoint: Checkpoint, plan: TrainingPlan, report: BacktestReport | None) -> Version:
    return registry.register(
        plan.name,
        checkpoint,
        job_id=plan.job_id,
        dataset_id=plan.dataset_id,
        dataset_digest=plan.dataset_digest,
        report=report,
    )

"""Use case: submit a training, and run one."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from app.database import now
from app.datasets import Datasets
from app.errors import AliasChanged, AliasNotFound, DatasetError, JobNotResumable
from app.job_ledger import JobLedger
from app.job_values import JobNotice, PromotionPolicy, TrainingJob, TrainingRequest
from app.jobs import Jobs
from app.references import PRODUCTION, check_name
from app.registry import AliasState, Registry, Version
from model import (
    BacktestReport,
    Checkpoint,
    Cutoffs,
    Forecaster,
    ForecastingError,
    Panel,
    Progress,
    Series,
    SeriesTooShort,
    TrainingCancelled,
    TrainingOptions,
    Trial,
    audit_panel,
    backtest,
    choose_config,
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
    """What a training came to: a version, and in a sentence what became of the alias and why."""

    version: Version
    decision: str


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
    """

    name: str
    actor: str
    options: TrainingOptions = field(default_factory=TrainingOptions)
    policy: PromotionPolicy = "promote_if_better"
    job_id: str | None = None
    dataset_id: str | None = None
    dataset_digest: str | None = None


def submit(
    jobs: Jobs, datasets: Datasets, request: TrainingRequest, *, idempotency_key: str | None = None
) -> TrainingJob:
    """Queues a training on a stored dataset; store an inline panel with `datasets.add` first.

    Raises:
        NameInvalid, DatasetNotFound, IdempotencyMismatch
        ForecastingError: The series or the options allow no training.
    """
    check_name(request.model_name)
    choose_config(datasets.panel(request.dataset_id), request.options)
    return jobs.submit(request, idempotency_key=idempotency_key)


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
    )
    panel = datasets.panel(request.dataset_id, digest=job.dataset_digest)
    ledger.record_notices(job.id, find_notices(panel, request.options))
    folder.mkdir(parents=True, exist_ok=True)
    outcome = train(
        registry,
        panel,
        plan,
        state_path=folder / job.id,
        on_epoch=lambda progress: ledger.record_epoch(job.id, progress),
        should_stop=should_stop,
    )
    for kept in (folder / job.id, trials_path(folder / job.id)):
        kept.unlink(missing_ok=True)
    return outcome


def trials_path(state_path: Path) -> Path:
    """Where the trials of a training are kept, beside its state."""
    return state_path.with_name(f"{state_path.name}.trials")


def find_notices(panel: Panel, options: TrainingOptions) -> tuple[JobNotice, ...]:
    """What an audit finds in the data of a training, the worst first, as much of it as one wants to read."""
    audit = audit_panel(panel, horizon=options.horizon, now=now(), max_items=_MOST_NOTICES)
    found = [*audit.findings, *(finding for one in audit.items for finding in one.findings)]
    return tuple(JobNotice(one.code, one.detail, one.fix, one.item_id) for one in found[:_MOST_NOTICES])


def train(
    registry: Registry,
    panel: Panel,
    plan: TrainingPlan,
    *,
    state_path: Path | None = None,
    on_epoch: Callable[[Progress], None] = lambda _: None,
    on_trial: Callable[[Trial], None] = lambda _: None,
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
        should_stop: Asked before each batch.

    Raises:
        TrainingCancelled: `should_stop` said so.
        ForecastingError: The series or the options allow no training, or it diverged.
    """
    check_name(plan.name)
    horizon, kept, exam = _hold_back(panel, plan.options)
    record = None if state_path is None else trials_path(state_path)
    options = replace(plan.options, horizon=horizon)
    chosen = select(kept, options, record_path=record, on_trial=on_trial, should_stop=should_stop)
    checkpoint = fit(
        kept, chosen.config, trials=chosen.trials, state_path=state_path, on_epoch=on_epoch, should_stop=should_stop
    )
    report = None if exam is None else exam.report(Forecaster(checkpoint), should_stop)
    version = _register(registry, checkpoint, plan, report)
    decision = _decide(registry, version, plan, exam, should_stop)
    return Outcome(registry.version(version.name, version.number), decision)


@dataclass(frozen=True, eq=False)
class _Exam:
    """What a version is examined on: whole series, whose ends it has not seen.

    Attributes:
        panel: The series.
        horizon: Steps ahead.
        num_cutoffs: Forecasts a series, one horizon apart.
    """

    panel: Panel
    horizon: int
    num_cutoffs: int

    def report(self, forecaster: Forecaster, should_stop: Callable[[], bool]) -> BacktestReport:
        return backtest(forecaster, self.panel, Cutoffs(self.horizon, self.num_cutoffs), should_stop=should_stop)


def _hold_back(panel: Panel, options: TrainingOptions) -> tuple[int, Panel, _Exam | None]:
    """The horizon, what to train on, and the exam on what is held back, if that leaves enough."""
    config = choose_config(panel, options)
    examined = tuple(one for one in panel if _without_last(one, config.freq, config.horizon) is not one)
    if not examined:
        return config.horizon, panel, None
    spare = min(len(one) for one in examined) * _MOST_HELD_BACK
    num_cutoffs = max(1, min(_MOST_CUTOFFS, int(spare / config.horizon)))
    kept = Panel(tuple(_without_last(one, config.freq, num_cutoffs * config.horizon) for one in panel))
    try:
        choose_config(kept, replace(options, horizon=config.horizon))
    except SeriesTooShort:
        return config.horizon, panel, None
    return config.horizon, kept, _Exam(Panel(examined), config.horizon, num_cutoffs)


def _without_last(series: Series, freq: str, num_steps: int) -> Series:
    """The series without its last steps; the series itself where too little would be left."""
    cutoff = series.grid(freq).timestamps(-num_steps, -num_steps)[0]
    if (series.timestamps <= cutoff).sum() < _LEAST_KEPT * len(series):
        return series
    return series.until(cutoff)


def _register(registry: Registry, checkpoint: Checkpoint, plan: TrainingPlan, report: BacktestReport | None) -> Version:
    # The manifest knows one last instant for the whole panel; what was held back of each series is known here.
    honest = None if report is None else replace(report, overlaps_training=False)
    return registry.register(
        plan.name,
        checkpoint,
        job_id=plan.job_id,
        dataset_id=plan.dataset_id,
        dataset_digest=plan.dataset_digest,
        report=honest,
    )


def _decide(
    registry: Registry,
    version: Version,
    plan: TrainingPlan,
    exam: _Exam | None,
    should_stop: Callable[[], bool],
) -> str:
    current = _current(registry, version.name)
    if current is None:
        return _promote(registry, version, None, plan.actor, "nothing was in production before")
    if current.number == version.number:
        return f"{PRODUCTION} points at version {version.number}."
    if plan.policy == "promote":
        return _promote(registry, version, current, plan.actor, "the policy is to promote every version")
    if plan.policy == "register":
        return f"{PRODUCTION} stays at version {current.number}: the policy is only to register."
    better, reason = _compare(registry, version, current, exam, should_stop)
    if better:
        return _promote(registry, version, current, plan.actor, reason)
    return f"{PRODUCTION} stays at version {current.number}: {reason}."


def _current(registry: Registry, name: str) -> AliasState | None:
    try:
        return registry.alias(name, PRODUCTION)
    except AliasNotFound:
        return None


def _promote(registry: Registry, version: Version, current: AliasState | None, actor: str, reason: str) -> str:
    expected = 0 if current is None else current.revision
    try:
        registry.point_alias(version.name, PRODUCTION, version.number, actor=actor, expected=expected)
    except AliasChanged:
        return f"{PRODUCTION} stays where someone has just pointed it."
    return f"{PRODUCTION} now points at version {version.number}: {reason}."


def _compare(
    registry: Registry,
    version: Version,
    current: AliasState,
    exam: _Exam | None,
    should_stop: Callable[[], bool],
) -> tuple[bool, str]:
    """Whether a version is better than the present one on what was held back, and the reason in words."""
    if version.report is None or exam is None:
        return False, "the series are too short to hold something back and compare"
    own, naive = _mase(version.report, "longshot"), _mase(version.report, "seasonal_naive")
    if not own < naive:
        return False, f"its MASE of {own:.3f} does not beat the seasonal naive forecast's {naive:.3f}"
    rival = _rival_mase(registry, current, exam, should_stop)
    if rival is None:
        return True, f"its MASE is {own:.3f}, and version {current.number} cannot forecast these series"
    comparison = f"its MASE is {own:.3f} where version {current.number} has {rival:.3f}"
    return own < rival, comparison


def _rival_mase(registry: Registry, current: AliasState, exam: _Exam, should_stop: Callable[[], bool]) -> float | None:
    try:
        rival = Forecaster.load(registry.checkpoint_path(registry.version(current.name, current.number)))
        return _mase(exam.report(rival, should_stop), "longshot")
    except TrainingCancelled:
        raise
    except ForecastingError:
        return None


def _mase(report: BacktestReport, method: str) -> float:
    return next(score.mase for score in report.scores if score.method == method)

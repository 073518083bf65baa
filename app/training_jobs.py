"""Use case: submit a training as a job, resume one, and do one."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from app.errors import DatasetError, JobNotResumable
from app.jobs.jobs import Jobs
from app.jobs.ledger import JobLedger
from app.jobs.values import JobNotice, TrainingJob, TrainingRequest
from app.stores.audit_log import Change
from app.stores.database import now
from app.stores.datasets import Datasets
from app.stores.references import PRODUCTION, check_name
from app.stores.registry import Registry
from app.training import Outcome, TrainingPlan, find_start, train
from model import Panel, Reasoned, TrainingOptions, WarmStart, audit_panel, choose_from, configure

_MOST_NOTICES: Final = 20


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
    for kept in folder.glob(f"{job.id}*"):
        kept.unlink(missing_ok=True)
    return outcome


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

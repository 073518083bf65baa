"""`longshot jobs`: trainings and backtests of the service, looked at, followed, cancelled, resumed."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated, Final, Literal

import orjson
import typer
from rich.console import Console
from rich.table import Table

from app import training_jobs
from app.cli.answers import AsJson, echo_json
from app.cli.home import enter_change, open_database
from app.cli.progress import Step, progress
from app.cli.refusals import one_line, refuse
from app.cli.score_tables import lead_table, score_table
from app.jobs.events import JobEvent, JobEvents
from app.jobs.jobs import Jobs
from app.jobs.rows import JobFilter
from app.jobs.values import BacktestJob, Job, JobState, TrainingJob
from app.schemas.backtests import BacktestBody, from_backtest
from app.schemas.training import JobBody, from_job
from app.settings import Settings
from app.stores.artifacts import ArtifactStore
from app.stores.database import Database
from app.stores.datasets import Datasets

application = typer.Typer(invoke_without_command=True, pretty_exceptions_enable=False)

JobId = Annotated[str, typer.Argument(metavar="ID", help="job_…")]
State = Annotated[JobState | None, typer.Option(help="Only those in this state.")]
Kind = Annotated[Literal["train", "backtest"] | None, typer.Option(help="Only those of this kind.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="How many of the newest.")]

_KINDS: Final[dict[str | None, type[Job]]] = {None: Job, "train": TrainingJob, "backtest": BacktestJob}
_LOOK_SECONDS: Final = 0.3


@application.callback()
@one_line
def jobs(context: typer.Context, as_json: AsJson = False) -> None:  # noqa: FBT002
    """List trainings and backtests; follow, cancel or resume one."""
    if context.invoked_subcommand is None:
        _list(None, None, 20, as_json=as_json)


@application.command("list")
@one_line
def list_jobs(
    kind: Kind = None,
    state: State = None,
    limit: Limit = 20,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """List the jobs, the newest first."""
    _list(kind, state, limit, as_json=as_json)


@application.command()
@one_line
def show(job_id: JobId, as_json: AsJson = False) -> None:  # noqa: FBT002
    """Show a job: how far it is, and what came of it."""
    with _open() as (_, jobs):
        job = jobs.get(job_id)
    if as_json:
        echo_json(_body(job))
        return
    console = Console()
    console.print(_table([job]))
    for notice in job.notices:
        console.print(f"{notice.detail} {notice.hint}", highlight=False, markup=False)
    if isinstance(job, BacktestJob) and job.report is not None:
        console.print(score_table(job.report, f"{job.request.model_name}/{job.request.version}"))
        console.print(lead_table(job.report))


@application.command()
@one_line
def watch(
    job_id: JobId,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event as JSON on a line of its own.")] = False,  # noqa: FBT002
) -> None:
    """Follow a job until it ends; exit code 1 if it failed or was cancelled."""
    with _open() as (database, jobs):
        events = _events(JobEvents(database), job_id)
        if as_json:
            for event in events:
                typer.echo(orjson.dumps(event, option=orjson.OPT_UTC_Z).decode())
        else:
            with progress("queued") as draw:
                for event in events:
                    draw(_step(event))
        job = jobs.get(job_id)
    if job.state != "succeeded":
        why = f": {job.failure.detail} {job.failure.hint}" if job.failure else "."
        refuse(f"The job {job.id} is {job.state}{why}")
    if not as_json:
        typer.echo(_result(job))


@application.command()
@one_line
def cancel(job_id: JobId, as_json: AsJson = False) -> None:  # noqa: FBT002
    """Ask a job to stop: a queued one at once, a running one soon."""
    with _open() as (_, jobs):
        job = jobs.cancel(job_id)
    enter_change(Settings.from_environment(), "job.cancelled", _address(job))
    _tell(job, "is cancelled" if job.state == "cancelled" else "is going to stop", as_json=as_json)


@application.command()
@one_line
def resume(job_id: JobId, as_json: AsJson = False) -> None:  # noqa: FBT002
    """Queue a cancelled or failed training again; it goes on from its last epoch."""
    settings = Settings.from_environment()
    with _open() as (database, jobs):
        datasets = Datasets(database, ArtifactStore(settings.artifacts_path))
        job = training_jobs.resume(jobs, datasets, job_id, folder=settings.training_path)
    enter_change(settings, "job.resumed", _address(job))
    _tell(job, "is queued again", as_json=as_json)


@contextmanager
def _open() -> Iterator[tuple[Database, Jobs]]:
    settings = Settings.from_environment()
    with open_database(settings) as database, closing(Jobs(database, settings.jobs_url)) as jobs:
        yield database, jobs


def _list(kind: str | None, state: JobState | None, limit: int, *, as_json: bool) -> None:
    with _open() as (_, jobs):
        found = jobs.list(_KINDS[kind], limit=limit, only=JobFilter(state)).items
    if as_json:
        echo_json([_body(one) for one in found])
    elif found:
        Console().print(_table(found))
    else:
        typer.echo("There is no such job.")


def _events(events: JobEvents, job_id: str) -> Iterator[JobEvent]:
    """What has happened to a job and what happens, until its end."""
    number = 0
    while True:
        new = events.since(job_id, number)
        yield from new.items
        number = new.items[-1].number if new.items else number
        if new.is_last:
            return
        time.sleep(_LOOK_SECONDS)


def _step(event: JobEvent) -> Step:
    epoch = f"  epoch {event.epoch}/{event.num_epochs}" if event.num_epochs else ""
    losses = (
        "" if event.train_loss is None else f"  train {event.train_loss:.4f}  validation {event.validation_loss:.4f}"
    )
    text = f"{event.state}{epoch}{losses}" if epoch else f"{event.state}  {event.progress:.0%}"
    return Step(text, event.progress, event.eta_seconds)


def _result(job: Job) -> str:
    if isinstance(job, TrainingJob):
        return f"Registered {job.request.model_name}/{job.version}. {job.decision or ''}".strip()
    return f"The backtest has succeeded: longshot jobs show {job.id}"


def _body(job: Job) -> JobBody | BacktestBody:
    if isinstance(job, BacktestJob):
        return from_backtest(job)
    assert isinstance(job, TrainingJob)
    return from_job(job)


def _address(job: Job) -> str:
    return f"/v1/{'backtests' if isinstance(job, BacktestJob) else 'training-jobs'}/{job.id}"


def _tell(job: Job, what: str, *, as_json: bool) -> None:
    if as_json:
        echo_json(_body(job))
    else:
        typer.echo(f"The job {job.id} {what}.")


def _table(found: tuple[Job, ...] | list[Job]) -> Table:
    table = Table()
    table.add_column("id", no_wrap=True)
    for column in ("kind", "model", "state", "progress", "submitted (UTC)", "result"):
        table.add_column(column, overflow="fold")
    for job in found:
        kind = "backtest" if isinstance(job, BacktestJob) else "train"
        stamp = f"{job.created_at:%Y-%m-%d %H:%M}"
        table.add_row(job.id, kind, _model(job), job.state, f"{job.progress:.0%}", stamp, _outcome(job))
    return table


def _model(job: Job) -> str:
    if isinstance(job, BacktestJob):
        return f"{job.request.model_name}/{job.request.version}"
    assert isinstance(job, TrainingJob)
    return job.request.model_name


def _outcome(job: Job) -> str:
    if job.failure is not None:
        return job.failure.code
    return f"version {job.version}" if isinstance(job, TrainingJob) and job.version is not None else ""

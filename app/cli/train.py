"""`longshot train`: a version from a table, in this process, or in several that torchrun started."""

import re
from contextlib import ExitStack
from typing import Annotated

import typer
from rich.console import Console

from app import training
from app.cli.answers import AsJson, echo_json
from app.cli.home import actor, enter_change, open_registry
from app.cli.options import (
    Duplicates,
    File,
    Freq,
    FutureCovariate,
    Holdout,
    ItemId,
    PastCovariate,
    StaticCovariate,
    Target,
    Timestamp,
    hold_out,
    name_columns,
)
from app.cli.progress import Step, progress
from app.cli.reason_tables import print_choices
from app.cli.refusals import one_line
from app.cli.score_tables import exam_table
from app.cli.tables import load_panel
from app.jobs.values import PromotionPolicy
from app.schemas.horizon import parse_duration
from app.schemas.models import from_version
from app.settings import Settings
from app.stores.references import check_name
from app.stores.registry import Registry
from app.stores.versions import Version
from app.training_jobs import changes_of
from model import Floor, Panel, Precision, Preset, Refit, Team, TrainingOptions, configure, limit_threads, together
from model import Progress as Epoch


@one_line
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    file: File,
    model: Annotated[str, typer.Option("--model", "--name", "-m", help="Name that the version will belong to.")],
    item_id: ItemId = None,
    timestamp: Timestamp = None,
    target: Target = None,
    past_covariate: PastCovariate = [],  # noqa: B006 - Typer copies it
    future_covariate: FutureCovariate = [],  # noqa: B006
    static_covariate: StaticCovariate = [],  # noqa: B006
    freq: Freq = None,
    duplicates: Duplicates = "error",
    holdout: Holdout = None,
    policy: Annotated[
        PromotionPolicy, typer.Option(help="What happens to the alias production.")
    ] = "promote_if_better",
    horizon: Annotated[int | None, typer.Option(help="Longest lead, in steps, to train on.")] = None,
    season_length: Annotated[
        int | None, typer.Option(help="Steps after which values repeat (default: found in them).")
    ] = None,
    context_length: Annotated[int | None, typer.Option(help="Steps of history that it sees.")] = None,
    patch_length: Annotated[int | None, typer.Option(help="Steps read off the flow at once.")] = None,
    state_size: Annotated[int | None, typer.Option(help="Size of the state.")] = None,
    inflation: Annotated[int | None, typer.Option(help="Size of the second state, in multiples of the first.")] = None,
    num_particles: Annotated[int | None, typer.Option(help="Particles that carry the control.")] = None,
    steps_per_patch: Annotated[int | None, typer.Option(help="Integration steps a patch.")] = None,
    dropout: Annotated[float | None, typer.Option(help="Share of the state dropped in training.")] = None,
    hole_share: Annotated[
        float | None, typer.Option(help="Share of the histories that have holes torn in training.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Windows a gradient step.")] = None,
    accumulation: Annotated[
        int | None, typer.Option(help="Parts in which a batch is computed, where memory is short.")
    ] = None,
    precision: Annotated[
        Precision | None, typer.Option(help="In which matrices are multiplied on a GPU; a CPU keeps to float32.")
    ] = None,
    num_epochs: Annotated[int | None, typer.Option("--epochs", "--num-epochs", help="Epochs at most.")] = None,
    steps_per_epoch: Annotated[int | None, typer.Option(help="Gradient steps an epoch.")] = None,
    validation_steps: Annotated[int | None, typer.Option(help="Last steps of each series kept for validation.")] = None,
    seed: Annotated[int, typer.Option(help="Fixes weights, windows and dropout.")] = 0,
    num_seeds: Annotated[
        int | None, typer.Option("--seeds", "--num-seeds", help="Trainings, of which the best one is kept.")
    ] = None,
    calendar: Annotated[  # noqa: FBT002
        bool, typer.Option("--calendar", help="Give it the phases of the day, the week and the year, too.")
    ] = False,
    joint: Annotated[  # noqa: FBT002
        bool, typer.Option("--joint", help="Forecast the series together, as the channels of one system.")
    ] = False,
    refit: Annotated[
        Refit | None, typer.Option(help="What is fitted once more at the end, on the data kept for validation as well.")
    ] = None,
    floor: Annotated[
        Floor | None, typer.Option(help="Below what no forecast goes (default: zero where no value is below it).")
    ] = None,
    preset: Annotated[
        Preset, typer.Option(help="How much is tried on validation data before what was left open is settled.")
    ] = "fast",
    time_budget: Annotated[str | None, typer.Option(help="About how long it may take, such as 10m or 2h.")] = None,
    warm_start: Annotated[
        str | None, typer.Option(help="Version whose weights to start from: name, name@alias or name/3.")
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Train a version on a table, in this process, and register it."""
    options = TrainingOptions(
        horizon=horizon,
        season_length=season_length,
        context_length=context_length,
        patch_length=patch_length,
        state_size=state_size,
        inflation=inflation,
        num_particles=num_particles,
        steps_per_patch=steps_per_patch,
        dropout=dropout,
        hole_share=hole_share,
        learning_rate=learning_rate,
        batch_size=batch_size,
        accumulation=accumulation,
        precision=precision,
        num_epochs=num_epochs,
        steps_per_epoch=steps_per_epoch,
        validation_steps=validation_steps,
        seed=seed,
        num_seeds=num_seeds,
        calendar=calendar,
        joint=joint,
        refit=refit,
        floor=floor,
        preset=preset,
        time_budget_seconds=None if time_budget is None else _seconds(time_budget),
        warm_start=warm_start,
    )
    check_name(model)
    beside = (past_covariate, future_covariate, static_covariate)
    columns = name_columns(item_id, timestamp, target, *beside)
    panel = load_panel(file, columns, freq, duplicates)
    kept, _ = hold_out(panel, holdout)
    settings = Settings.from_environment()
    limit_threads(settings.training_threads)
    with together() as team, ExitStack() as opened:
        registry = team.one_after_the_first(lambda: opened.enter_context(open_registry(settings)))
        configure(kept, options, training.find_start(registry, options))
        plan = training.TrainingPlan(model, actor(), options, policy)
        if not team.is_first:
            training.take_part(registry, kept, plan)
            return
        _say(f"Training {model} on {len(kept)} series with {kept.num_observations:,} observations{_where(team)}.")
        outcome = _trained(registry, kept, plan)
    for change in changes_of(outcome, actor()):
        enter_change(settings, change.action, change.subject, **change.details)
    if as_json:
        echo_json(from_version(outcome.version))
    else:
        _report(outcome.version, outcome.decision)


def _trained(registry: Registry, panel: Panel, plan: training.TrainingPlan) -> training.Outcome:
    with progress("the first epoch") as show:
        return training.train(
            registry,
            panel,
            plan,
            on_epoch=lambda epoch: show(_step(epoch)),
            on_trial=lambda trial: _say(f"trial  {trial}"),
        )


def _where(team: Team) -> str:
    return "" if team.size == 1 else f", in {team.size} processes"


def _step(epoch: Epoch) -> Step:
    losses = f"train {epoch.train_loss:.4f}  validation {epoch.validation_loss:.4f}"
    text = f"epoch {epoch.epoch}/{epoch.num_epochs}  {losses}  {epoch.throughput}"
    return Step(text, epoch.epoch / epoch.num_epochs, epoch.eta_seconds)


def _report(version: Version, decision: str) -> None:
    console = Console()
    console.print(f"Registered [bold]{version}[/], trained in {version.manifest.train_seconds:.0f} s "
                  f"on {version.manifest.device}. {decision}")  # fmt: skip
    print_choices(console, version)
    if version.report is not None:
        console.print(exam_table(version.report))


def _seconds(budget: str) -> float:
    """The length of a budget; m is minutes here, where months would make no sense."""
    return parse_duration(re.sub(r"(?<=\d)\s*m$", "min", budget.strip())).total_seconds()


def _say(line: str) -> None:
    typer.echo(line, err=True)

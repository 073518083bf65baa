"""`longshot models`: what is registered, where aliases point, and where they pointed."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.cli.answers import AsJson, echo_json
from app.cli.export import export as export_version
from app.cli.home import actor, enter_change, open_registry
from app.cli.reason_tables import other_choices, print_choices
from app.cli.refusals import one_line
from app.cli.score_tables import exam_table
from app.frames import read_file
from app.imports import import_bundle
from app.schemas.models import AliasHistory, from_alias, from_version
from app.settings import Settings
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from app.stores.versions import AliasState, Version

application = typer.Typer(invoke_without_command=True, pretty_exceptions_enable=False)

Name = Annotated[str, typer.Argument(help="The registered model.")]
Reference = Annotated[str, typer.Argument(help="NAME, NAME@ALIAS or NAME/VERSION.")]
Alias = Annotated[str, typer.Option(help="Which alias.")]


@application.callback()
@one_line
def models(context: typer.Context, as_json: AsJson = False) -> None:  # noqa: FBT002
    """List registered models, versions and aliases; promote a version."""
    if context.invoked_subcommand is None:
        _list(as_json=as_json)


@application.command("list")
@one_line
def list_models(as_json: AsJson = False) -> None:  # noqa: FBT002
    """List every version of every model, the newest of each first."""
    _list(as_json=as_json)


@application.command()
@one_line
def promote(
    name: Name,
    version: Annotated[int, typer.Argument(min=1, help="Its number.")],
    alias: Alias = PRODUCTION,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Point an alias at a version; a running service serves it from the next request on."""
    settings = Settings.from_environment()
    with open_registry(settings) as registry:
        state = registry.point_alias(name, alias, version, actor=actor())
    enter_change(settings, "alias.moved", f"/v1/models/{name}/aliases/{alias}", version=version)
    _tell(state, as_json=as_json)


@application.command()
@one_line
def rollback(name: Name, alias: Alias = PRODUCTION, as_json: AsJson = False) -> None:  # noqa: FBT002
    """Return an alias to the version it pointed at before; twice in a row returns to the start."""
    settings = Settings.from_environment()
    with open_registry(settings) as registry:
        state = registry.roll_back(name, alias, actor=actor())
    enter_change(settings, "alias.rolled_back", f"/v1/models/{name}/aliases/{alias}", version=state.number)
    _tell(state, as_json=as_json)


@application.command()
@one_line
def history(name: Name, alias: Alias = PRODUCTION, as_json: AsJson = False) -> None:  # noqa: FBT002
    """List the moves of an alias, the newest first: where it pointed, since when, and who moved it."""
    with open_registry(Settings.from_environment()) as registry:
        moves = registry.history(name, alias)
    if as_json:
        echo_json(AliasHistory([from_alias(one) for one in moves]))
        return
    table = Table("move", "version", "since (UTC)", "by")
    for one in moves:
        table.add_row(str(one.revision), f"{name}/{one.number}", f"{one.created_at:%Y-%m-%d %H:%M:%S}", one.actor)
    Console().print(table)


@application.command()
@one_line
def show(model: Reference, as_json: AsJson = False) -> None:  # noqa: FBT002
    """Show a version: its training, its scores, and the history of the aliases that point at it."""
    with open_registry(Settings.from_environment()) as registry:
        version = registry.resolve(model)
        moves = _history(registry, version)
    if as_json:
        echo_json(from_version(version))
        return
    console = Console()
    console.print(_table([version]))
    if version.origin is not None:
        source = f"{version.origin.name}/{version.origin.number}" if version.origin.name else "a version without a name"
        console.print(f"A copy of {source}, imported.", highlight=False)
    print_choices(console, version)
    console.print(other_choices(version), style="dim", highlight=False, markup=False)
    if version.report is not None:
        console.print(exam_table(version.report))
    for line in moves:
        console.print(line, highlight=False)


@application.command()
@one_line
def export(
    model: Reference,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write (default: NAME-N.tar).")] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Write a version as a bundle: one file, to be imported elsewhere."""
    export_version(model, "bundle", output, as_json=as_json)


@application.command("import")
@one_line
def import_(
    file: Annotated[Path, typer.Argument(help="A bundle, as 'longshot models export' or GET …/bundle gave it.")],
    name: Annotated[str | None, typer.Option(help="The model it will belong to (default: the one it did).")] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Register the version in a bundle; no alias moves."""
    settings = Settings.from_environment()
    with open_registry(settings) as registry:
        imported = import_bundle(registry, read_file(str(file)), name=name)
    version = imported.version
    if imported.is_new:
        subject = f"/v1/models/{version.name}/versions/{version.number}"
        enter_change(settings, "version.imported", subject, digest=version.digest)
    if as_json:
        echo_json(from_version(version))
    elif imported.is_new:
        typer.echo(f"Registered {version}. To serve it: longshot models promote {version.name} {version.number}")
    else:
        typer.echo(f"{version} has this checkpoint already.")


def _list(*, as_json: bool) -> None:
    with open_registry(Settings.from_environment()) as registry:
        versions = [version for model in registry.models() for version in registry.versions(model.name)]
    if as_json:
        echo_json([from_version(one) for one in versions])
    elif versions:
        Console().print(_table(versions))
    else:
        typer.echo("There is no model yet. Train one: longshot train FILE --model NAME")


def _tell(state: AliasState, *, as_json: bool) -> None:
    if as_json:
        echo_json(from_alias(state))
    else:
        typer.echo(f"{state.name}@{state.alias} points at version {state.number}.")


def _history(registry: Registry, version: Version) -> list[str]:
    return [
        f"{move.created_at:%Y-%m-%d %H:%M} {alias} pointed at version {move.number} by {move.actor}"
        for alias in version.aliases
        for move in registry.history(version.name, alias)
    ]


def _table(versions: list[Version]) -> Table:
    table = Table("version", "aliases", "created (UTC)", "step", "MASE", "naive", "digest")
    for version in versions:
        scores = {score.method: f"{score.mase:.3f}" for score in version.report.scores} if version.report else {}
        table.add_row(
            str(version),
            ", ".join(version.aliases),
            f"{version.created_at:%Y-%m-%d %H:%M}",
            version.config.freq,
            scores.get("longshot", ""),
            scores.get("seasonal_naive", ""),
            version.digest[:12],
        )
    return table

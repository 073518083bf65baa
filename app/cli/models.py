"""`longshot models`: what is registered, and where aliases point."""

from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from app.bundles import bundle
from app.cli.home import actor, enter_change
from app.cli.options import open_registry
from app.cli.refusals import one_line
from app.cli.score_tables import score_table
from app.frames import FileNotWritable, read_file
from app.imports import import_bundle
from app.references import PRODUCTION
from app.registry import Registry, Version
from app.schemas.models import from_version
from app.settings import Settings

application = typer.Typer(invoke_without_command=True, pretty_exceptions_enable=False)


@application.callback()
@one_line
def models(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print every version as JSON.")] = False,  # noqa: FBT002
) -> None:
    """List registered models, versions and aliases; promote a version."""
    if context.invoked_subcommand is not None:
        return
    registry = open_registry(Settings.from_environment())
    versions = [version for model in registry.models() for version in registry.versions(model.name)]
    if as_json:
        typer.echo(orjson.dumps([from_version(one) for one in versions], option=orjson.OPT_INDENT_2).decode())
    elif versions:
        Console().print(_table(versions))
    else:
        typer.echo("There is no model yet. Train one: longshot train FILE --model NAME")


@application.command()
@one_line
def promote(
    name: str,
    version: Annotated[int, typer.Argument(min=1)],
    alias: Annotated[str, typer.Option(help="The alias to point.")] = PRODUCTION,
) -> None:
    """Point an alias at a version; a running service serves it from the next request on."""
    settings = Settings.from_environment()
    state = open_registry(settings).point_alias(name, alias, version, actor=actor())
    enter_change(settings, "alias.moved", f"/v1/models/{name}/aliases/{alias}", version=version)
    typer.echo(f"{state.name}@{state.alias} points at version {state.number}.")


@application.command()
@one_line
def show(model: Annotated[str, typer.Argument(help="NAME, NAME@ALIAS or NAME/VERSION.")]) -> None:
    """Show a version: its training, its scores, and the history of the alias production."""
    registry = open_registry(Settings.from_environment())
    version = registry.resolve(model)
    console = Console()
    console.print(_table([version]))
    if version.origin is not None:
        source = f"{version.origin.name}/{version.origin.number}" if version.origin.name else "a version without a name"
        console.print(f"A copy of {source}, imported.", highlight=False)
    console.print("  ".join(f"{name} {value}" for name, value in version.config.to_json().items()), highlight=False)
    if version.report is not None:
        console.print(score_table(version.report, f"The last {version.report.horizon} steps, held back from training"))
    for line in _history(registry, version):
        console.print(line, highlight=False)


@application.command()
@one_line
def export(
    model: Annotated[str, typer.Argument(help="NAME, NAME@ALIAS or NAME/VERSION.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write (default: NAME-N.tar).")] = None,
) -> None:
    """Write a version as a bundle: one file, to be imported elsewhere."""
    registry = open_registry(Settings.from_environment())
    version = registry.resolve(model)
    path = output or Path(f"{version.name}-{version.number}.tar")
    content = b"".join(bundle(version, registry.checkpoint_path(version)))
    try:
        path.write_bytes(content)
    except OSError as error:
        raise FileNotWritable(str(path), (error.strerror or "it failed").lower()) from error
    typer.echo(f"{version} is in {path}.")


@application.command("import")
@one_line
def import_(
    file: Annotated[Path, typer.Argument(help="A bundle, as 'longshot models export' or GET …/bundle gave it.")],
    name: Annotated[str | None, typer.Option(help="The model it will belong to (default: the one it did).")] = None,
) -> None:
    """Register the version in a bundle; no alias moves."""
    settings = Settings.from_environment()
    imported = import_bundle(open_registry(settings), read_file(str(file)), name=name)
    version = imported.version
    if not imported.is_new:
        typer.echo(f"{version} has this checkpoint already.")
        return
    subject = f"/v1/models/{version.name}/versions/{version.number}"
    enter_change(settings, "version.imported", subject, digest=version.digest)
    typer.echo(f"Registered {version}. To serve it: longshot models promote {version.name} {version.number}")


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

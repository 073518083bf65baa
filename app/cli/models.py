"""`longshot models`: what is registered, and where aliases point."""

from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from app.cli.options import actor, enter_change, open_registry
from app.cli.refusals import one_line
from app.cli.score_tables import score_table
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
    console.print("  ".join(f"{name} {value}" for name, value in version.config.to_json().items()), highlight=False)
    if version.report is not None:
        console.print(score_table(version.report, f"The last {version.report.horizon} steps, held back from training"))
    for line in _history(registry, version):
        console.print(line, highlight=False)


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

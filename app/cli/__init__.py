"""`longshot serve | train | forecast | audit | backtest | models | jobs | keys …`: one file a command."""

import importlib
import sys
from collections.abc import Callable
from typing import Final

import typer

COMMANDS: Final = {
    "serve": "Serve forecasts over HTTP, with a worker beside it.",
    "worker": "Do trainings and backtests, and nothing else.",
    "train": "Train a version on a table, in this process, and register it.",
    "forecast": "Forecast the series of a table.",
    "audit": "Check a table: what would be refused, and what may harm a forecast.",
    "anomalies": "Find the observations of a table that a version did not expect.",
    "backtest": "Score a version on a table beside the baselines.",
    "models": "List registered models, versions and aliases; promote a version, roll back.",
    "export": "Write a version for use elsewhere: a bundle, or an MLflow model.",
    "jobs": "List trainings and backtests of the service; follow, cancel or resume one.",
    "keys": "List API keys; create or revoke one.",
    "audit-log": "List who changed what, and when.",
    "completion": "Print the script that completes commands and options in a shell.",
}
_EPILOG: Final = (
    "Exit codes: 0 done, 1 refused (one line says why), 2 wrong usage, 130 interrupted. "
    "Everything is kept in LONGSHOT_HOME (~/.longshot)."
)


def main() -> None:
    """Runs the command that the arguments name; only its module is loaded, so that help does not wait for torch."""
    chosen = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    application = build(lambda name: name == chosen)
    try:
        application(prog_name="longshot")
    except KeyboardInterrupt:
        typer.echo("longshot: interrupted.", err=True)
        sys.exit(130)


def build(is_loaded: Callable[[str], bool]) -> typer.Typer:
    """The command line.

    Args:
        is_loaded: Whether to load the module of a command; one that is not has its help in lists, and nothing else.
    """
    application = typer.Typer(
        help="Self-hosted long-range forecasting: train once, keep every version, ask for any horizon.",
        epilog=_EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    application.callback()(_nothing)
    for name, text in COMMANDS.items():
        _add(application, name, text, load=is_loaded(name))
    return application


def _add(application: typer.Typer, name: str, text: str, *, load: bool) -> None:
    if not load:
        application.command(name, help=text)(_nothing)
        return
    module = importlib.import_module(f"app.cli.{name.replace('-', '_')}")
    if hasattr(module, "application"):
        application.add_typer(module.application, name=name, help=text)
    else:
        command: Callable[..., None] = module.command
        application.command(name, help=text)(command)


def _nothing() -> None:
    pass

"""How a command ends that cannot do what it was asked: one line, and a code."""

import functools
import os
import sys
from collections.abc import Callable
from typing import NoReturn, ParamSpec

import typer

from model import ForecastingError

Parameters = ParamSpec("Parameters")

REFUSED = 1
INTERRUPTED = 130


def one_line(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """A command that ends with one line on standard error where it would have ended with a traceback."""

    @functools.wraps(command)
    def guarded(*positional: Parameters.args, **named: Parameters.kwargs) -> None:
        try:
            command(*positional, **named)
        except ForecastingError as error:
            refuse(f"{error.detail} {error.hint}")
        except BrokenPipeError:
            # Whoever read the output has left; Python would complain about it once more when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(REFUSED) from None
        except KeyboardInterrupt:
            typer.echo("\nlongshot: interrupted.", err=True)
            raise typer.Exit(INTERRUPTED) from None

    return guarded


def refuse(reason: str) -> NoReturn:
    """Ends the command with a line that says why."""
    typer.echo(f"longshot: {' '.join(reason.split())}", err=True)
    raise typer.Exit(REFUSED)

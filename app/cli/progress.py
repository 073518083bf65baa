"""How far something is: a bar in a terminal, lines in a log; on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@dataclass(frozen=True)
class Step:
    """How far it is.

    Attributes:
        text: What to say of it.
        share: From 0 to 1.
        seconds_left: Expected until its end, at most; None where nobody knows.
    """

    text: str
    share: float
    seconds_left: float | None


OnStep = Callable[[Step], None]


@contextmanager
def progress(beginning: str) -> Iterator[OnStep]:
    """What to call with each step, to have it shown.

    Args:
        beginning: What stands beside the bar until the first step.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda step: typer.echo(_line(step), err=True)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(12),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(beginning, total=None, left="")

        def show(step: Step) -> None:
            left = "" if step.seconds_left is None else f"≤ {timedelta(seconds=round(step.seconds_left))}"
            bar.update(task, total=1.0, completed=step.share, description=step.text, left=left)

        yield show
        bar.update(task, total=1.0, completed=1.0, left="done")


def _line(step: Step) -> str:
    left = "" if step.seconds_left is None else f"  at most {step.seconds_left:.0f} s left"
    return f"{step.text}{left}"

"""How far a job is, as a line in a terminal that grows."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.client.values import JobState

OnProgress = Callable[[JobState], None]


@contextmanager
def shown(title: str, *, is_wanted: bool | None) -> Iterator[OnProgress]:
    """What to call with each state of a job, to have it drawn.

    Args:
        title: What stands before it.
        is_wanted: Whether to draw it; None draws it where standard error is a terminal.
    """
    if not (sys.stderr.isatty() if is_wanted is None else is_wanted):
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - only for those who look at a terminal
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        line = bar.add_task(title, total=1.0)
        yield lambda state: bar.update(line, completed=state.progress, description=_told(title, state))


def _told(title: str, state: JobState) -> str:
    if not state.losses:
        return f"{title}: {state.state}"
    return f"{title}: {state.state}, epoch {state.epoch}, validation loss {state.losses[-1]['validation']:.3f}"

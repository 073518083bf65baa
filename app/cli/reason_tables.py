"""The choices of a training in a terminal: those that follow from something as a table, the others in words."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table

from app.stores.versions import Version
from model import Reason


def print_choices(console: Console, version: Version) -> None:
    """Prints what was chosen and why, as far as a version knows, and what was asked for beside that."""
    if version.manifest.reasons:
        table = Table("choice", "value", "why", title="What was chosen, and why", title_justify="left")
        for one in version.manifest.reasons:
            table.add_row(one.name, one.value, one.why)
        console.print(table)
    for line in _asked_for(version):
        console.print(line, style="dim", highlight=False, markup=False)


def other_choices(version: Version) -> str:
    """The choices that need no reason, such as those that are the same for all data."""
    told = {one.choice for one in version.manifest.reasons} | {"covariates", "channels"}
    others = (Reason(name, _shown(value), "") for name, value in version.config.to_json().items() if name not in told)
    return f"Besides: {'; '.join(f'{one.name} {one.value}' for one in others)}."


def _asked_for(version: Version) -> Iterator[str]:
    config = version.config
    if config.covariates:
        yield f"Covariates: {', '.join((*config.covariates.names, *config.covariates.calendar))}."
    if config.channels:
        yield f"One system of {len(config.channels)} channels: {', '.join(config.channels)}."
    if version.manifest.warm_start is not None:
        yield f"Started from {version.manifest.warm_start}."


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

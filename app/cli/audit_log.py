"""`longshot audit-log`: who changed what, and when."""

from collections.abc import Iterator
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from app.cli.home import open_database
from app.cli.refusals import one_line
from app.schemas.audit_log import from_entry
from app.settings import Settings
from app.stores.audit_log import AuditLog, Entry

_PART = 200


@one_line
def command(
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest changes.")] = 50,
    by: Annotated[str | None, typer.Option("--actor", help="Only changes by this key, user or job.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,  # noqa: FBT002
) -> None:
    """List who changed what, and when."""
    with open_database(Settings.from_environment()) as database:
        entries = list(_newest(AuditLog(database), limit, by))
    if as_json:
        for entry in entries:
            typer.echo(orjson.dumps(from_entry(entry)).decode())
    elif entries:
        Console().print(_table(entries))
    else:
        typer.echo("Nothing has been changed yet.")


def _newest(log: AuditLog, limit: int, by: str | None) -> Iterator[Entry]:
    cursor: str | None = None
    while limit > 0:
        page = log.list(limit=min(limit, _PART), cursor=cursor, actor=by)
        yield from page.items
        limit -= len(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


def _table(entries: list[Entry]) -> Table:
    table = Table("at (UTC)")
    table.add_column("actor", no_wrap=True)
    for column in ("action", "subject", "details"):
        table.add_column(column, overflow="fold")
    for entry in entries:
        change = entry.change
        details = ", ".join(f"{name} {value}" for name, value in change.details.items() if value not in (None, ""))
        table.add_row(f"{entry.at:%Y-%m-%d %H:%M:%S}", change.actor, change.action, change.subject, details)
    return table

"""`longshot audit`: what is wrong or noteworthy with a table."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.cli.answers import AsJson, echo_json
from app.cli.options import Duplicates, File, Freq, ItemId, Target, Timestamp
from app.cli.refusals import REFUSED, one_line
from app.cli.tables import load_table
from app.frames import Columns
from app.schemas.audits import AuditBody, FindingBody, from_audit
from app.stores.database import now
from model import audit_panel

_COLOURS = {"error": "red", "warning": "yellow", "notice": "dim"}


@one_line
def command(
    file: File,
    horizon: Annotated[int | None, typer.Option(min=1, help="Steps that a training is wanted for.")] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Where the clocks are that timestamps without a zone were read from.")
    ] = None,
    item_id: ItemId = None,
    timestamp: Timestamp = None,
    target: Target = None,
    freq: Freq = None,
    duplicates: Duplicates = "error",
    items: Annotated[int, typer.Option(min=0, help="Series to describe in full, the worst first.")] = 20,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Check a table: what would be refused, and what may harm a forecast; exit code 1 if it would be refused."""
    read = load_table(file, Columns(item_id, timestamp, target), freq, duplicates)
    found = audit_panel(read.items, horizon=horizon, time_zone=time_zone, now=now(), max_items=items)
    audit = from_audit(found, read.lines)
    if as_json:
        echo_json(audit)
    else:
        _show(audit)
    if not audit.is_accepted:
        raise typer.Exit(REFUSED)


def _show(audit: AuditBody) -> None:
    console = Console()
    rows = [*audit.findings, *(finding for item in audit.items for finding in item.findings)]
    if rows:
        table = Table("", "finding", "what, and what to do")
        for finding in rows:
            colour = _COLOURS[finding.severity]
            text = escape(f"{finding.detail} {finding.fix}{_where(finding)}")
            table.add_row(f"[{colour}]{finding.severity}[/]", finding.code, text)
        console.print(table)
    if audit.num_items_left_out:
        console.print(f"{audit.num_items_left_out} more series are not shown. In all of them together:")
        for tally in audit.tallies:
            console.print(f"  {tally.severity} {tally.code}: {tally.num_items} series, {tally.count} places")
    heed = " Heed the warnings." if any(one.severity == "warning" for one in rows) else ""
    verdict = f"It can be used as it is.{heed}" if audit.is_accepted else "It would be refused."
    console.print(f"{audit.num_items} series with {audit.num_observations:,} observations. {verdict}")


def _where(finding: FindingBody) -> str:
    if finding.lines:
        return f" (line {', '.join(map(str, finding.lines))})"
    return f" (at {', '.join(finding.timestamps)})" if finding.timestamps else ""

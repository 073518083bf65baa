"""Why the choices of a training are what they are, as a table."""

from collections.abc import Sequence

from rich.table import Table

from model import Reason


def reason_table(reasons: Sequence[Reason]) -> Table:
    """Each choice that was made for the user, and what it follows from."""
    table = Table("choice", "value", "why", title="What was chosen, and why", title_justify="left")
    for one in reasons:
        table.add_row(one.name, one.value, one.why)
    return table

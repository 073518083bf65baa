"""Which columns of a table are meant, and how a program is told where that is unclear."""

from typing import Final

from app.client.errors import FrameUnusable
from app.column_names import ColumnNames as Columns
from app.column_names import ColumnsUnclear, Found, choose_names

__all__ = ["Columns", "Found", "choose_columns"]

_WIDE: Final = " If each is a series of its own, make one observation a row of them first, as `melt` does."


def choose_columns(found: Found, *, item_id: str | None, timestamp: str | None, target: str | None) -> Columns:
    """The columns that are meant; what is not named is guessed by name, then by type.

    Raises:
        FrameUnusable: A column that was named is not there, or there is none or more than one to be guessed.
    """
    try:
        return choose_names(found, item_id=item_id, timestamp=timestamp, target=target)
    except ColumnsUnclear as error:
        remedy = f' Name it: {error.role}="…".' if error.role else ""
        raise FrameUnusable(f"{error.reason}{remedy}{_WIDE if error.may_be_wide else ''}") from error

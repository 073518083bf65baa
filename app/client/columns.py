"""Which columns of a table are meant, and how a program is told where that is unclear."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

from app.client.errors import FrameUnusable
from app.column_names import ColumnNames as Columns
from app.column_names import ColumnsUnclear, Found, choose_names

__all__ = ["Columns", "Covariates", "Found", "choose_columns"]

Covariates = Mapping[Literal["past", "future", "static"], Sequence[str]]
"""Columns of covariates by kind: `{"past": ["weather"], "future": ["promo"], "static": ["site"]}`."""

_KINDS: Final = ("past", "future", "static")

_WIDE: Final = " If each is a series of its own, make one observation a row of them first, as `melt` does."


def choose_columns(
    found: Found,
    *,
    item_id: str | None,
    timestamp: str | None,
    target: str | None,
    covariates: Covariates | None = None,
) -> Columns:
    """The columns that are meant; what is not named is guessed by name, then by type.

    Raises:
        FrameUnusable: A column that was named is not there, or there is none or more than one to be guessed.
    """
    given = covariates or {}
    strange = sorted(set(given) - set(_KINDS))
    if strange:
        raise FrameUnusable(f"Covariates are past, future or static, not {', '.join(map(repr, strange))}.")
    named: dict[str, tuple[str, ...]] = {kind: tuple(names) for kind, names in given.items()}
    beside = [name for names in named.values() for name in names]
    try:
        chosen = choose_names(found, item_id=item_id, timestamp=timestamp, target=target, beside=beside)
        return replace(chosen, covariates=named)
    except ColumnsUnclear as error:
        remedy = f' Name it: {error.role}="…".' if error.role else ""
        raise FrameUnusable(f"{error.reason}{remedy}{_WIDE if error.may_be_wide else ''}") from error

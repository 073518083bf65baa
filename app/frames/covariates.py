"""The columns of covariates, cut into the series that their rows belong to."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from app.frames.columns import CovariateColumns
from model import RawCovariates, RowsOfItem, read_covariates


def with_covariates(
    found: Sequence[RowsOfItem],
    instants: NDArray[Any],
    table: pa.Table,
    columns: CovariateColumns,
) -> list[RowsOfItem]:
    """Series with the covariates in their rows.

    Args:
        found: The series, and which rows are theirs.
        instants: Of all rows.
        table: The columns.
        columns: Which of them are covariates.
    """
    if not columns.names:
        return list(found)
    cells = table.select(list(columns.names)).to_pandas()
    read = []
    for one in found:
        raw = raw_covariates(cells.iloc[one.positions], columns)
        covariates, faults = read_covariates(one.reading.item_id, instants[one.positions], raw)
        faults = (*one.reading.faults, *faults)
        read.append(replace(one, reading=replace(one.reading, covariates=covariates, faults=faults)))
    return read


def raw_covariates(rows: pd.DataFrame, columns: CovariateColumns) -> RawCovariates:
    """The covariates in the rows of one series; a fact that reads as a number is one."""
    return RawCovariates(
        {name: rows[name] for name in columns.past},
        {name: rows[name] for name in columns.future},
        {name: _numbers_as_such(rows[name]) for name in columns.static},
    )


def _numbers_as_such(facts: pd.Series) -> pd.Series:
    """In a CSV a number is a text, too."""
    plain = facts.astype(object)
    numbers = pd.to_numeric(plain.replace("", None), errors="coerce")
    return numbers if plain.notna().any() and (numbers.notna() | plain.isna() | plain.eq("")).all() else plain

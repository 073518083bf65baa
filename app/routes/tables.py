"""Panels in request bodies: JSON, or a table whose columns the query names."""

from typing import Annotated, Any

import orjson
from fastapi import Depends, Query

from app.frames import (
    CellInvalid,
    Columns,
    ColumnTaken,
    ColumnUnnamed,
    CovariateColumns,
    FileUnreadable,
    RawTable,
    TableLimits,
    holds_series,
    join_series,
    read_table,
)
from app.routes.bodies import ARROW, CSV, JSON, NDJSON, PARQUET, describe_body
from app.schemas.forecast_query import FUTURE, PAST, STATIC, split_names
from app.settings import Settings
from model import Aggregation, ColumnMissing

TABLES = (CSV, "application/gzip", NDJSON, PARQUET, ARROW)
ANY_TABLE = (FileUnreadable, ColumnMissing, ColumnUnnamed, ColumnTaken, CellInvalid)
_BINARY = {"schema": {"type": "string", "format": "binary"}}


class TableQuery:
    """How the query says a table is to be read."""

    def __init__(
        self,
        item_id: Annotated[
            str | None, Query(description="The column that names the series; for tables, not for JSON.")
        ] = None,
        timestamp: Annotated[str | None, Query(description="The column of timestamps.")] = None,
        target: Annotated[str | None, Query(description="The column of observations.")] = None,
        freq: Annotated[str | None, Query(description="A pandas offset alias for every series.")] = None,
        duplicates: Annotated[Aggregation, Query(description="What to do with repeated timestamps.")] = "error",
        past_covariates: Annotated[list[str], Query(description=PAST)] = [],  # noqa: B006 - FastAPI copies it
        future_covariates: Annotated[list[str], Query(description=FUTURE)] = [],  # noqa: B006
        static_covariates: Annotated[list[str], Query(description=STATIC)] = [],  # noqa: B006
    ) -> None:
        covariates = CovariateColumns(*map(split_names, (past_covariates, future_covariates, static_covariates)))
        self._columns = Columns(item_id, timestamp, target, covariates)
        self._freq = freq
        self._duplicates = duplicates

    def to_json(self, media_type: str, body: bytes) -> bytes | None:
        """The JSON request that a body is, or is the lines of; None where it is a table."""
        if media_type == JSON:
            return body
        if media_type == NDJSON and holds_series(body):
            return b'{"duplicates":%b,"series":%b}' % (orjson.dumps(self._duplicates), join_series(body))
        return None

    def read(self, body: bytes, settings: Settings) -> RawTable:
        """The series of a table.

        Raises:
            DataError: It is no table.
            LimitExceeded: It is too large.
        """
        limits = TableLimits(settings.max_body_bytes, settings.max_points, settings.max_series)
        return read_table(
            body, self._columns, name="The body", freq=self._freq, duplicates=self._duplicates, limits=limits
        )


AsTable = Annotated[TableQuery, Depends()]


def describe_panel(kind: Any) -> dict[str, Any]:
    """How OpenAPI describes a body that is JSON of a kind, or a table."""
    return describe_body(kind, **dict.fromkeys(TABLES, _BINARY))


def describe_answer(description: str, json: str, *others: str) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI describes an answer in the formats of a table, beside the JSON that its model describes."""
    assert json == JSON
    return {200: {"description": description, "content": dict.fromkeys(others, _BINARY)}}

"""Tables in and out: CSV, NDJSON, Parquet, Arrow."""

from app.frames.columns import Columns, CovariateColumns, TableLimits
from app.frames.errors import CellInvalid, ColumnTaken, ColumnUnnamed, FileNotWritable, FileUnreadable
from app.frames.forecasts import (
    ArrowForecasts,
    CsvForecasts,
    ForecastColumns,
    ForecastTable,
    write_csv,
    write_parquet,
)
from app.frames.glances import glance
from app.frames.json_lines import holds_series, join_series
from app.frames.tables import RawTable, read_file, read_panel, read_table

__all__ = [
    "ArrowForecasts",
    "CellInvalid",
    "ColumnTaken",
    "ColumnUnnamed",
    "Columns",
    "CovariateColumns",
    "CsvForecasts",
    "FileNotWritable",
    "FileUnreadable",
    "ForecastColumns",
    "ForecastTable",
    "RawTable",
    "TableLimits",
    "glance",
    "holds_series",
    "join_series",
    "read_file",
    "read_panel",
    "read_table",
    "write_csv",
    "write_parquet",
]

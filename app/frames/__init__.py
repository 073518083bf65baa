"""Tables in and out: CSV, NDJSON, Parquet, Arrow."""

from app.frames.columns import Columns, CovariateColumns, TableLimits
from app.frames.errors import CellInvalid, ColumnTaken, ColumnUnnamed, FileNotWritable, FileUnreadable
from app.frames.forecasts import ForecastTable, write_csv
from app.frames.glances import glance
from app.frames.json_lines import holds_series, join_series
from app.frames.tables import RawTable, read_file, read_panel, read_table

__all__ = [
    "CellInvalid",
    "ColumnTaken",
    "ColumnUnnamed",
    "Columns",
    "CovariateColumns",
    "FileNotWritable",
    "FileUnreadable",
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
]

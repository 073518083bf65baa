"""What a table can be refused for."""

from app.errors import OperationError
from model import DataError


class FileUnreadable(DataError):
    """A file that is not the table it should be."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"{name} cannot be read: {reason}.",
            hint="Give a CSV file with a header (.csv, .csv.gz), Parquet, an Arrow stream, or one JSON object a line.",
        )
        self.name = name
        self.reason = reason


class FileNotWritable(OperationError):
    """A file that cannot be written."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} cannot be written: {reason}.", hint="Name a file in a folder that exists.")
        self.name = name
        self.reason = reason


class CellInvalid(DataError):
    """A cell of a table that does not hold what its column needs."""

    def __init__(self, line: int, column: str, found: str, needed: str, *, item_id: str | None = None) -> None:
        super().__init__(
            f"Line {line}, column {column!r}: {found} is not {needed}.",
            hint="Correct the cell; leave the cell of a missing observation empty.",
            item_id=item_id,
        )
        self.line = line
        self.column = column
        self.found = found


class ColumnTaken(DataError):
    """A column that is named for two purposes."""

    def __init__(self, column: str) -> None:
        super().__init__(
            f"The column {column!r} is named for two purposes.",
            hint="Name each column once, as timestamps, observations, or a past, future or static covariate.",
        )
        self.column = column


class ColumnUnnamed(DataError):
    """A column that must be named, because none has the usual name."""

    def __init__(self, role: str, found: list[str]) -> None:
        super().__init__(
            f"Which column holds the {role}? The columns are {', '.join(map(repr, found[:50])) or 'none'}.",
            hint=f"Name it with --{role.replace('_', '-')} (over HTTP: the query parameter {role}).",
        )
        self.role = role
        self.found = found

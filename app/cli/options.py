"""Arguments and options that several commands share."""

from collections.abc import Sequence
from typing import Annotated

import typer

from app.cli.tables import Format
from app.frames import Columns, CovariateColumns
from app.schemas.horizon import parse_horizon
from model import Aggregation, AxesMixed, Duration, Horizon, HorizonOutOfRange, Panel, Series, SeriesTooShort, Steps

File = Annotated[
    str, typer.Argument(metavar="FILE", help="CSV (also .csv.gz), Parquet, Arrow or JSON lines; - is standard input.")
]
ItemId = Annotated[
    str | None,
    typer.Option(help="Column that names the series (default: guessed; without one, FILE is a single series)."),
]
Timestamp = Annotated[str | None, typer.Option(help="Column of timestamps (default: guessed).")]
Target = Annotated[str | None, typer.Option(help="Column of observations (default: guessed).")]
PastCovariate = Annotated[
    list[str], typer.Option(metavar="COLUMN", help="Column of a signal known once it has happened; may be repeated.")
]
FutureCovariate = Annotated[
    list[str],
    typer.Option(metavar="COLUMN", help="Column of a signal known in advance, also in rows without an observation."),
]
StaticCovariate = Annotated[
    list[str], typer.Option(metavar="COLUMN", help="Column of a name or number that stays the same in a series.")
]
Freq = Annotated[
    str | None, typer.Option(help="Step of the grid, such as 15min, h, D, W, MS (default: read from FILE).")
]
Duplicates = Annotated[Aggregation, typer.Option(help="What to do with repeated timestamps.")]
Holdout = Annotated[
    str | None,
    typer.Option(metavar="336|7D", help="Leave out the end of each series: a number of steps, or a duration."),
]
OutputFormat = Annotated[
    Format | None, typer.Option(help="How to write it (default: as the name of the output ends, else csv).")
]
ModelReference = Annotated[str, typer.Option("--model", "-m", help="NAME, NAME@ALIAS or NAME/VERSION.")]


def name_columns(
    item_id: str | None,
    timestamp: str | None,
    target: str | None,
    past: Sequence[str],
    future: Sequence[str],
    static: Sequence[str],
) -> Columns:
    """The columns of a table, as options name them."""
    return Columns(item_id, timestamp, target, CovariateColumns(tuple(past), tuple(future), tuple(static)))


def hold_out(panel: Panel, holdout: str | None) -> tuple[Panel, Panel | None]:
    """A panel without its end, and with it; no second one where nothing is held out.

    Args:
        panel: The whole.
        holdout: Steps or a duration, as people write them.

    Raises:
        SeriesTooShort: Nothing is left of a series.
    """
    if holdout is None:
        return panel, None
    length = parse_horizon(holdout)
    return Panel(tuple(_before(one, length) for one in panel)), panel


def count_steps(series: Series, horizon: Horizon, freq: str) -> int:
    """How many steps of a grid a horizon is, counted from the end of a series."""
    if isinstance(horizon, Steps):
        return horizon.num_steps
    assert isinstance(horizon, Duration)
    if series.is_counted:
        found = f"Series {series.item_id!r} was asked for a duration"
        raise AxesMixed(found, "its timestamps are whole numbers", item_id=series.item_id)
    last = series.last + horizon.length.to_timedelta64()
    return int(series.grid(freq).positions(last.reshape(1).astype("datetime64[us]"))[0])


def _before(series: Series, length: Horizon) -> Series:
    if series.freq is None:
        raise SeriesTooShort(series.item_id, len(series), 2, "holding out its end")
    num_steps = count_steps(series, length, series.freq)
    if num_steps < 1:
        raise HorizonOutOfRange(num_steps, len(series), item_id=series.item_id)
    cutoff = series.grid(series.freq).timestamps(-num_steps, -num_steps)[0]
    if cutoff < series.timestamps[0]:
        raise SeriesTooShort(series.item_id, len(series), num_steps + 1, f"holding out its last {num_steps} steps")
    return series.until(cutoff)

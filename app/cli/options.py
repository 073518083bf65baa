"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from app.artifacts import ArtifactStore
from app.cli.home import open_database
from app.frames import Columns, FileNotWritable, read_file, read_panel
from app.registry import Registry
from app.schemas.horizon import parse_horizon
from app.settings import Settings
from model import Aggregation, Duration, Horizon, HorizonOutOfRange, Panel, Series, SeriesTooShort, Steps

File = Annotated[str, typer.Argument(metavar="FILE", help="CSV (.csv, .csv.gz) or Parquet; - is standard input.")]
ItemId = Annotated[
    str | None,
    typer.Option(help="Column that names the series; without it and without a column item_id, FILE is one series."),
]
Timestamp = Annotated[str | None, typer.Option(help="Column of timestamps (default: timestamp).")]
Target = Annotated[str | None, typer.Option(help="Column of observations (default: target).")]
Freq = Annotated[
    str | None, typer.Option(help="Step of the grid, such as 15min, h, D, W, MS (default: read from FILE).")
]
Duplicates = Annotated[Aggregation, typer.Option(help="What to do with repeated timestamps.")]
Holdout = Annotated[
    str | None,
    typer.Option(metavar="336|7D", help="Leave out the end of each series: a number of steps, or a duration."),
]
ModelReference = Annotated[str, typer.Option("--model", "-m", help="NAME, NAME@ALIAS or NAME/VERSION.")]


def load_panel(file: str, columns: Columns, freq: str | None, duplicates: Aggregation) -> Panel:
    """The panel in a file, or on standard input.

    Raises:
        DataError: It cannot be used.
    """
    name = "Standard input" if file == "-" else file
    return read_panel(read_file(file), columns, name=name, freq=freq, duplicates=duplicates)


def open_registry(settings: Settings) -> Registry:
    """The registry of the home folder.

    Raises:
        OperationError: The home folder or the database cannot be used.
    """
    return Registry(open_database(settings), ArtifactStore(settings.artifacts_path))


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


def write_output(path: str, text: str) -> None:
    """Writes to a file, or to standard output where the path is `-`.

    Raises:
        FileNotWritable: It cannot be written.
    """
    if path == "-":
        typer.echo(text, nl=not text.endswith("\n"))
        return
    try:
        Path(path).write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    except OSError as error:
        raise FileNotWritable(path, (error.strerror or "it failed").lower()) from error


def count_steps(series: Series, horizon: Horizon, freq: str) -> int:
    """How many steps of a grid a horizon is, counted from the end of a series."""
    if isinstance(horizon, Steps):
        return horizon.num_steps
    assert isinstance(horizon, Duration)
    last = series.last + horizon.length.to_timedelta64()
    return int(series.grid(freq).positions(last.reshape(1).astype("datetime64[us]"))[0])


def _before(series: Series, length: Horizon) -> Series:
    if series.freq is None:
        raise SeriesTooShort(series.item_id, len(series), 2, "holding out its end")
    num_steps = count_steps(series, length, series.freq)
    if num_steps < 1:
        raise HorizonOutOfRange(num_steps, len(series), item_id=series.item_id)
    return series.until(series.grid(series.freq).timestamps(-num_steps, -num_steps)[0])

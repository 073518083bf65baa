"""A panel as a Parquet file, and back."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model import Panel, Series

_COLUMNS: Final = ("item_id", "freq", "time_zone", "timestamp", "value")


def write_panel(panel: Panel, path: Path) -> None:
    """Writes a panel to a new file."""
    lengths = [len(one) for one in panel]
    columns = [
        _repeated([one.item_id for one in panel], lengths),
        _repeated([one.freq for one in panel], lengths),
        _repeated([one.time_zone for one in panel], lengths),
        pa.array(np.concatenate([one.timestamps for one in panel])),
        pa.array(np.concatenate([one.values for one in panel])),
    ]
    pq.write_table(pa.Table.from_arrays(columns, names=list(_COLUMNS)), path, compression="zstd")


def _repeated(texts: Sequence[str | None], lengths: Sequence[int]) -> pa.Array:
    return pa.array(texts, pa.string()).dictionary_encode().take(pa.array(np.repeat(np.arange(len(texts)), lengths)))


def read_panel_file(path: Path) -> Panel:
    """Reads the panel of a file.

    Raises:
        FileNotFoundError: There is none.
        OSError, pyarrow.ArrowException: It is damaged.
    """
    table = pq.read_table(path, columns=list(_COLUMNS))
    codes = table["item_id"].cast(pa.string()).combine_chunks().dictionary_encode().indices.to_numpy()
    timestamps, values = table["timestamp"].to_numpy(), table["value"].to_numpy()
    bounds = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    heads = table.select(_COLUMNS[:3]).take(pa.array(bounds[:-1])).to_pylist()
    return Panel(
        tuple(
            Series(head["item_id"], timestamps[first:last], values[first:last], head["freq"], head["time_zone"])
            for head, first, last in zip(heads, bounds, bounds[1:], strict=False)
        )
    )

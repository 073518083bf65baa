"""A panel as a Parquet file, and back.

A row is an observation, or a timestamp at which only a covariate is known. Covariates have columns of their own, named
after their kind: `past:temp`, `future:promo`, and for facts `static:site` where they are names, `measure:size` where
they are numbers.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from model import Covariates, Panel, Series, covariates_of

_COLUMNS: Final = ("item_id", "freq", "time_zone", "timestamp", "value")
_SIGNALS: Final = ("past", "future")
_FACTS: Final = {"static": str, "measure": float}


def write_panel(panel: Panel, path: Path) -> None:
    """Writes a panel to a new file."""
    axes = [_axis(one) for one in panel]
    lengths = [len(one) for one in axes]
    columns = {
        "item_id": _repeated([one.item_id for one in panel], lengths),
        "freq": _repeated([one.freq for one in panel], lengths),
        "time_zone": _repeated([one.time_zone for one in panel], lengths),
        "timestamp": pa.array(np.concatenate(axes)),
        "value": _spread([(one.timestamps, one.values) for one in panel], axes),
    }
    for kind in _SIGNALS:
        for name in sorted({name for one in panel for name in getattr(one.covariates, kind)}):
            parts = [(one.covariates.timestamps, getattr(one.covariates, kind).get(name)) for one in panel]
            columns[f"{kind}:{name}"] = _spread(parts, axes)
    for kind, type_ in _FACTS.items():
        held = [{k: v for k, v in one.covariates.static.items() if isinstance(v, type_)} for one in panel]
        for name in sorted({name for facts in held for name in facts}):
            columns[f"{kind}:{name}"] = _repeated([facts.get(name) for facts in held], lengths)
    pq.write_table(pa.table(columns), path, compression="zstd")


def read_panel_file(path: Path) -> Panel:
    """Reads the panel of a file.

    Raises:
        FileNotFoundError: There is none.
        OSError, pyarrow.ArrowException: It is damaged.
    """
    table = pq.read_table(path)
    codes = table["item_id"].cast(pa.string()).combine_chunks().dictionary_encode().indices.to_numpy()
    timestamps, values = table["timestamp"].to_numpy(), table["value"].to_numpy()
    bounds = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    facts = [name for name in table.column_names if name.partition(":")[0] in _FACTS]
    heads = table.select([*_COLUMNS[:3], *facts]).take(pa.array(bounds[:-1])).to_pylist()
    signals = {
        kind: {
            name.partition(":")[2]: table[name].to_numpy() for name in table.column_names if name.startswith(f"{kind}:")
        }
        for kind in _SIGNALS
    }
    return Panel(
        tuple(
            _series(head, timestamps[first:last], values[first:last], _cut(signals, slice(first, last)))
            for head, first, last in zip(heads, bounds, bounds[1:], strict=False)
        )
    )


def _axis(series: Series) -> NDArray[Any]:
    """When anything is known of a series; its own timestamps where no covariate is known at others."""
    others = series.covariates.timestamps
    return np.union1d(series.timestamps, others) if len(others) else series.timestamps


def _spread(parts: Sequence[tuple[NDArray[Any], NDArray[np.float64] | None]], axes: Sequence[NDArray[Any]]) -> pa.Array:
    """Values of several series at the rows of their timestamps; null in the others."""
    columns = []
    for (timestamps, values), axis in zip(parts, axes, strict=True):
        if values is not None and len(values) == len(axis):
            columns.append(values)
            continue
        column = np.full(len(axis), np.nan)
        if values is not None:
            column[np.searchsorted(axis, timestamps)] = values
        columns.append(column)
    return pa.array(np.concatenate(columns), from_pandas=True)


def _repeated(values: Sequence[str | float | None], lengths: Sequence[int]) -> pa.Array:
    kind = pa.float64() if any(isinstance(one, float) for one in values) else pa.string()
    return pa.array(values, kind).dictionary_encode().take(pa.array(np.repeat(np.arange(len(values)), lengths)))


def _cut(signals: dict[str, dict[str, NDArray[np.float64]]], rows: slice) -> dict[str, dict[str, NDArray[np.float64]]]:
    return {kind: {name: values[rows] for name, values in own.items()} for kind, own in signals.items()}


def _series(
    head: dict[str, Any],
    timestamps: NDArray[Any],
    values: NDArray[np.float64],
    signals: dict[str, dict[str, NDArray[np.float64]]],
) -> Series:
    facts = {name.partition(":")[2]: one for name, one in head.items() if ":" in name and one is not None}
    covariates: Covariates = covariates_of(timestamps, signals["past"], signals["future"], facts)
    observed = ~np.isnan(values)
    if not observed.all():
        timestamps, values = timestamps[observed], values[observed]
    return Series(head["item_id"], timestamps, values, head["freq"], head["time_zone"], covariates)

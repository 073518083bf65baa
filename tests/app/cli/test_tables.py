"""Tables on the command line: columns guessed, every format in and out, pictures."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from app.frames import glance
from tests.app.cli.conftest import Run, refused

HOURS = pd.date_range("2026-01-01", periods=60, freq="h")
FRAME = pd.DataFrame({"unique_id": "a", "ds": HOURS, "y": 10 + np.sin(np.arange(60) / 4)})


def arrow_bytes(frame: pd.DataFrame, *, as_file: bool, compression: str | None = None) -> bytes:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    file = io.BytesIO()
    make = pa.ipc.new_file if as_file else pa.ipc.new_stream
    with make(file, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as stream:
        stream.write_table(table)
    return file.getvalue()


FILES = {
    "table.csv": FRAME.to_csv(index=False).encode(),
    "semicolons.csv": FRAME.to_csv(index=False, sep=";").encode(),
    "table.jsonl": FRAME.to_json(orient="records", lines=True, date_format="iso").encode(),
    "stream.arrows": arrow_bytes(FRAME, as_file=False),
    "table.arrow": arrow_bytes(FRAME, as_file=True),
    "table.feather": arrow_bytes(FRAME, as_file=True, compression="lz4"),
    "table.parquet": FRAME.to_parquet(index=False),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_is_read_its_columns_guessed_and_the_guesses_told(run: Run, published, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(FILES[name])
    ended = run("forecast", path, "-m", "m", "--horizon", 2)
    assert ended.code == 0, ended.err
    rows = pd.read_csv(io.StringIO(ended.out))
    assert rows["item_id"].tolist() == ["a", "a"]
    assert rows["timestamp"][0].startswith("2026-01-03T12:00:00")
    assert ended.err.splitlines()[:3] == [
        "Column 'unique_id' was taken for the names of the series.",
        "Column 'ds' was taken for the timestamps.",
        "Column 'y' was taken for the observations.",
    ]


def test_types_tell_what_names_do_not_and_what_is_named_is_not_noted(run: Run, published, tmp_path):
    path = tmp_path / "load.csv"
    FRAME.rename(columns={"ds": "when", "y": "load"}).to_csv(path, index=False)
    ended = run("audit", path, "--target", "load", "--item-id", "unique_id")
    assert ended.code == 0
    assert ended.err == "Column 'when' was taken for the timestamps.\n"


def test_columns_that_cannot_be_told_apart_are_asked_for(run: Run, published, tmp_path):
    path = tmp_path / "load.csv"
    FRAME.assign(load=1.0).drop(columns="y").assign(wind=2.0).to_csv(path, index=False)
    refused(run("audit", path), "observations", "'load', 'wind'", "--target")


@pytest.mark.parametrize("content", [b"", b"PAR1 damaged", b"\xff\xff\xff\xff damaged", b"ARROW1 damaged", b"{no"])
def test_a_file_that_is_no_table_is_refused_in_one_line(run: Run, published, tmp_path, content):
    path = tmp_path / "table"
    path.write_bytes(content)
    refused(run("audit", path), "cannot be read")


def test_a_glance_sees_names_times_and_numbers():
    for content in FILES.values():
        if not content.startswith(b"ARROW1"):
            found = glance(content)
            assert (list(found.names), list(found.times), list(found.numbers)) == (
                ["unique_id", "ds", "y"],
                ["ds"],
                ["y"],
            )
    assert list(glance(b"a,b,c\n2026-01-01,,x\n").times) == ["a"]


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("out.parquet", lambda content: pa.parquet.read_table(io.BytesIO(content))),
        ("out.arrow", lambda content: pa.ipc.open_file(content).read_all()),
        ("out.feather", lambda content: pa.ipc.open_file(content).read_all()),
        ("out.arrows", lambda content: pa.ipc.open_stream(content).read_all()),
        ("out.csv", lambda content: pa.csv.read_csv(io.BytesIO(content))),
    ],
)
def test_the_name_of_the_output_says_its_format(run: Run, published, table, tmp_path, name, read):
    ended = run("forecast", table, "-m", "m", "--horizon", 3, "--output", tmp_path / name)
    assert (ended.code, ended.out) == (0, "")
    found = read((tmp_path / name).read_bytes())
    assert found.column_names == ["item_id", "timestamp", "mean", "0.1", "0.5", "0.9"]
    assert found.num_rows == 6
    assert pa.types.is_timestamp(found.schema.field("timestamp").type)


def test_anomalies_are_written_in_every_format(run: Run, published, table, tmp_path):
    words = ("anomalies", table, "-m", "m", "--last", 4, "--all")
    path = tmp_path / "found.parquet"
    assert run(*words, "-o", path).code == 0
    found = pd.read_parquet(path)
    assert len(found) == 8
    assert found["timestamp"].dt.tz is not None
    judged = json.loads(run(*words, "--json").out)
    assert sum(len(one["timestamps"]) for one in judged["anomalies"]) == 8


def test_a_binary_format_goes_to_a_pipe_and_not_to_a_terminal(run: Run, published, table, monkeypatch):
    monkeypatch.setattr("app.cli.tables.sys.stdout.isatty", lambda: True)
    refused(run("forecast", table, "-m", "m", "--format", "parquet"), "not for terminals")


def test_a_picture_is_drawn_and_alone_it_is_all_there_is(run: Run, published, table, tmp_path):
    path = tmp_path / "next.png"
    ended = run("forecast", table, "-m", "m", "--holdout", "1D", "--horizon", "1D", "--png", path)
    assert (ended.code, ended.out) == (0, "")
    assert path.read_bytes().startswith(b"\x89PNG")
    both = run("forecast", table, "-m", "m", "--png", tmp_path / "next.svg", "--json")
    assert len(json.loads(both.out)["forecasts"]) == 2
    assert b"<svg" in (tmp_path / "next.svg").read_bytes()
    refused(run("forecast", table, "-m", "m", "--png", tmp_path / "no" / "next.png"), "cannot be written")
    refused(run("forecast", table, "-m", "m", "--png", tmp_path / "next.txt"), "cannot be written", "'txt'")

import csv
import io
import json
import socket
import subprocess
import sys

import numpy as np
import pytest

from tests.app.cli.conftest import refused

TINY = (
    *("--horizon", "6", "--context-length", "24", "--state-size", "4", "--num-particles", "2"),
    *("--epochs", "2", "--steps-per-epoch", "2", "--batch-size", "4"),
)


def test_help_lists_every_command_without_waiting_for_torch():
    code = """
import sys
from app.cli import main
sys.argv = ["longshot", "--help"]
try:
    main()
except SystemExit:
    assert "torch" not in sys.modules
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert all(
        name in ended.stdout
        for name in ("serve", "worker", "train", "forecast", "backtest", "models", "jobs", "keys", "completion")
    )


def test_a_table_is_trained_on_forecast_and_scored(run, table):
    trained = run("train", table, "--model", "m", *TINY)
    assert trained.code == 0, trained
    assert "Registered m/1" in trained.out
    assert "epoch 2/" in trained.err
    assert "seasonal naive" in trained.out
    assert "_" not in trained.out, "names of the code"
    forecast = run("forecast", table, "--model", "m", "--horizon", 3)
    assert forecast.code == 0
    assert len(list(csv.DictReader(io.StringIO(forecast.out)))) == 6
    scored = run("backtest", table, "--model", "m", "--windows", 2)
    assert scored.code == 0
    assert "longshot" in scored.out
    assert "has seen some" in scored.out
    assert "MASE by lead" in scored.out
    assert "4-6" in scored.out
    listed = run("models")
    assert "m/1" in listed.out
    assert "production" in listed.out


def test_a_training_speaks_json_to_machines(run, table):
    ended = run("train", table, "--model", "m", "--holdout", 12, *TINY, "--seed", 3, "--json")
    version = json.loads(ended.out)
    assert (version["name"], version["version"]) == ("m", 1)
    assert version["configuration"]["seed"] == 3
    assert version["manifest"]["num_observations"] <= 2 * (160 - 12)


def test_a_time_budget_is_kept_by_every_preset_and_m_is_minutes(run, table):
    ended = run("train", table, "--model", "m", *TINY, "--time-budget", "10m")
    assert ended.code == 0, ended
    assert "trial" in ended.err, "the pace is looked at once"
    refused = run("train", table, "--model", "m", *TINY, "--time-budget", "soon")
    assert (refused.code, "not a duration" in refused.err) == (1, True)


@pytest.mark.parametrize(
    ("options", "num_rows", "last"),
    [
        (["--horizon", "3"], 6, "2026-01-07T18:00:00+00:00"),
        (["--horizon", "1D"], 48, "2026-01-08T15:00:00+00:00"),
        (["--until", "2026-01-07T20:00:00Z"], 10, "2026-01-07T20:00:00+00:00"),
        ([], 12, "2026-01-07T21:00:00+00:00"),
        (["--horizon", "3", "--holdout", "2D"], 6, "2026-01-05T18:00:00+00:00"),
    ],
)
def test_a_horizon_is_steps_a_duration_a_date_or_what_was_trained(run, published, table, options, num_rows, last):
    rows = list(csv.DictReader(io.StringIO(run("forecast", table, "-m", "m", *options).out)))
    assert len(rows) == num_rows
    assert rows[-1]["timestamp"] == last
    assert float(rows[0]["0.1"]) <= float(rows[0]["0.5"]) <= float(rows[0]["0.9"])


def test_no_more_is_held_out_than_there_is(run, published, table):
    refused(run("forecast", table, "-m", "m", "--holdout", 160), "160 observations", "last 160 steps", "at least 161")


def test_a_forecast_is_written_as_json_like_the_answer_over_http(run, published, table, tmp_path):
    path = tmp_path / "out.json"
    ended = run("forecast", table, "-m", "m/1", "--quantiles", "0.5", "--format", "json", "--output", path)
    assert (ended.code, ended.out) == (0, "")
    content = json.loads(path.read_text())
    assert content["model"]["version"] == 1
    assert set(content["forecasts"][0]["quantiles"]) == {"0.5"}


def test_a_plot_alone_is_only_drawn(run, published, table):
    ended = run("forecast", table, "-m", "m", "--horizon", "1D", "--holdout", "1D", "--plot")
    assert ended.code == 0
    assert "mean forecast" in ended.out
    assert "what came" in ended.out
    assert "item_id" not in ended.out


def test_a_backtest_writes_its_scores_as_json(run, published, table, tmp_path):
    alone = run("backtest", table, "-m", "m", "--horizon", "1D", "--json")
    content = json.loads(alone.out)
    assert content["model"] == "m/1"
    assert content["horizon"] == 24
    assert content["scores"][0]["method"] == "longshot"
    assert [one["last_lead"] for one in content["leads"]] == [1, 2, 3, 6, 12, 24]
    path = tmp_path / "scores.json"
    beside = run("backtest", table, "-m", "m", "--horizon", 24, "--output", path)
    assert "MASE" in beside.out
    assert json.loads(path.read_text()) == content


def test_an_alias_is_moved_from_the_command_line(run, published, other_checkpoint):
    published.register("m", other_checkpoint)
    assert "m@production points at version 2" in run("models", "promote", "m", 2).out
    assert published.resolve("m").number == 2
    assert "pointed at version 2 by cli" in run("models", "show", "m").out
    assert json.loads(run("models", "show", "m", "--json").out)["aliases"] == ["production"]
    assert len(json.loads(run("models", "--json").out)) == 2
    refused(run("models", "promote", "m", 9), "no version 9")
    refused(run("models", "promote", "n", 1), "no model 'n'")


def test_an_alias_returns_to_the_version_before_and_its_history_tells_so(run, published, other_checkpoint):
    published.register("m", other_checkpoint)
    run("models", "promote", "m", 2)
    assert "m@production points at version 1" in run("models", "rollback", "m").out
    moves = json.loads(run("models", "history", "m", "--json").out)["data"]
    assert [(one["version"], one["revision"]) for one in moves] == [(1, 3), (2, 2), (1, 1)]
    assert moves[0]["actor"].startswith("cli:")
    assert run("models", "history", "m").out.count("m/1") == 2
    assert json.loads(run("models", "rollback", "m", "--json").out)["version"] == 2
    lines = [json.loads(line)["action"] for line in run("audit-log", "--json").out.splitlines()]
    assert lines == ["alias.rolled_back", "alias.rolled_back", "alias.moved"]
    refused(run("models", "rollback", "m", "--alias", "canary"), "no alias 'canary'")
    published.point_alias("m", "canary", 1, actor="test")
    refused(run("models", "rollback", "m", "--alias", "canary"), "at no other")
    refused(run("models", "history", "n"), "no model 'n'")


def test_an_empty_home_says_how_to_begin(run):
    assert "longshot train" in run("models").out


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("when,target\nsoon,1\n", ["Which column holds the timestamps?", "'when'", "2026-01-31T08:00", "--timestamp"]),
        ("ds,cars\n2026-01-01,many\n", ["Which column holds the observations?", "numbers only", "--target"]),
        ("ds,date,target\n2026-01-01,2026-01-01,1\n", ["'ds', 'date' could all hold the timestamps", "--timestamp"]),
        ("timestamp,target\n2026-01-01,1\n2026-01-02,many\n", ["Line 3", "'many'"]),
        ("timestamp,target\n2026-01-01,1\n2026-01-01,2\n2026-01-02,2\n", ["repeated timestamps", "2026-01-01"]),
        ("timestamp,target\n2026-01-01,1\n", ["cannot be read from its timestamps"]),
        ("timestamp,target\n2026-01-01,1\n2026-01-02,1\n2026-01-03,2\n", ["3 observations", "needs at least"]),
        ("", ["no header line"]),
    ],
)
def test_a_table_that_cannot_be_trained_on_is_refused_in_one_line(run, tmp_path, content, parts):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    refused(run("train", path, "--model", "m"), *parts)


def test_what_a_user_can_get_wrong_is_refused_in_one_line(run, published, table, tmp_path):
    refused(run("train", tmp_path / "no.csv", "--model", "m"), "no.csv", "no such file")
    refused(run("train", table, "--model", "No Name"), "'No Name'")
    refused(run("train", table, "--model", "m", "--state-size", 0), "state_size")
    refused(run("train", table, "--model", "m", "--holdout", "10000"), "0 observations")
    refused(run("train", table, "--model", "m", "--holdout", "0"), "horizon is 0")
    refused(run("forecast", table, "-m", "nobody"), "no model 'nobody'")
    refused(run("forecast", table, "-m", "m", "--target", "value"), "no column 'value'", "'target'")
    refused(run("forecast", table, "-m", "m", "--horizon", 0), "between 1 and")
    refused(run("forecast", table, "-m", "m", "--horizon", 10**9), "between 1 and")
    refused(run("forecast", table, "-m", "m", "--horizon", "soon"), "'soon' is not a duration")
    refused(run("forecast", table, "-m", "m", "--until", "2020-01-01T00:00:00Z"), "ends at")
    refused(run("forecast", table, "-m", "m", "--quantiles", "2"), "quantile level")
    refused(run("forecast", table, "-m", "m", "--output", tmp_path / "no" / "out.csv"), "cannot be written")
    refused(run("backtest", table, "-m", "m", "--horizon", 10_000), "observations")


def test_wrong_usage_exits_with_2(run, table):
    for words in (["train", table], ["forecast"], ["fly"], ["forecast", table, "-m", "m", "--quantiles", "x"]):
        assert run(*words).code == 2


def test_a_truncated_checkpoint_is_refused_in_one_line(run, published, table):
    weights = published.checkpoint_path(published.resolve("m")) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    refused(run("forecast", table, "-m", "m"), "model.safetensors")


def test_standard_input_is_read(run, published, table, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(table.read_bytes())))
    assert run("forecast", "-", "-m", "m", "--horizon", 1).out.count("\n") == 3


def test_a_server_that_may_not_start_says_why_in_one_line(run, monkeypatch):
    refused(run("serve", "--host", "0.0.0.0"), "LONGSHOT_ALLOW_UNAUTHENTICATED=1")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused(run("serve", "--port", taken.getsockname()[1]), "LONGSHOT_PORT", "in use")
    monkeypatch.setenv("LONGSHOT_PORT", "many")
    refused(run("serve"), "LONGSHOT_PORT")


def test_ctrl_c_ends_a_training_quietly(run, table, monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("app.training.train", interrupted)
    ended = run("train", table, "--model", "m")
    assert ended.code == 130
    assert "Traceback" not in ended.err


def test_a_key_is_printed_once_and_listed_without_it(run):
    assert "longshot keys create" in run("keys").out
    created = run("keys", "create", "--scope", "forecast", "--scope", "train", "--name", "ci", "--expires-in", "90d")
    assert created.code == 0
    key = created.out.strip()
    assert key.startswith("lsk_")
    assert "every request needs a key" in created.err
    (listed,) = json.loads(run("keys", "list", "--json").out)
    assert (listed["name"], listed["scopes"], listed["state"]) == ("ci", ["forecast", "train"], "active")
    shown = run("keys").out
    assert listed["id"] in shown
    assert key not in shown
    assert listed["id"] == f"key_{key.split('_')[1]}"


def test_a_key_is_revoked_and_the_log_says_by_whom(run):
    key = json.loads(run("keys", "create", "--scope", "admin", "--json").out)
    revoked = run("keys", "revoke", key["id"])
    assert "is revoked" in revoked.out
    assert "goes on asking" in revoked.err
    assert json.loads(run("keys", "--json").out)[0]["state"] == "revoked"
    lines = [json.loads(line) for line in run("audit-log", "--json").out.splitlines()]
    assert [line["action"] for line in lines] == ["key.revoked", "key.created"]
    assert lines[0]["subject"] == f"/v1/keys/{key['id']}"
    assert lines[0]["actor"].startswith("cli:")
    assert "key.revoked" in run("audit-log", "--limit", 1).out
    assert "Nothing" in run("audit-log", "--actor", "key_none").out


def test_a_key_that_cannot_be_made_or_found_is_refused_in_one_line(run):
    refused(run("keys", "create", "--scope", "admin", "--expires-in", "1M"), "'1M'")
    refused(run("keys", "create", "--scope", "admin", "--expires-in", "0d"), "1 second")
    refused(run("keys", "revoke", "key_none"), "key_none")
    assert run("keys", "create").code == 2
    assert run("keys", "create", "--scope", "root").code == 2


def test_trainings_and_moved_aliases_are_in_the_log(run, published, table):
    run("train", table, "--model", "m", *TINY, "--policy", "register")
    run("models", "promote", "m", 1, "--alias", "old")
    lines = [json.loads(line) for line in run("audit-log", "--json").out.splitlines()]
    assert [(line["action"], line["subject"]) for line in lines] == [
        ("alias.moved", "/v1/models/m/aliases/old"),
        ("version.trained", "/v1/models/m/versions/2"),
    ]


def test_a_version_is_exported_and_imported_from_the_command_line(run, published, tmp_path):
    path = tmp_path / "m.tar"
    assert f"m/1 is in {path}" in run("models", "export", "m", "-o", path).out
    taken = run("models", "import", path, "--name", "copy")
    assert "Registered copy/1" in taken.out
    assert published.version("copy", 1).origin.name == "m"
    assert "A copy of m/1, imported." in run("models", "show", "copy/1").out
    assert "has this checkpoint already" in run("models", "import", path, "--name", "copy").out
    lines = [json.loads(line) for line in run("audit-log", "--json").out.splitlines()]
    assert [line["action"] for line in lines] == ["version.imported"]
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    refused(run("models", "import", path), "not a whole one")
    refused(run("models", "import", tmp_path / "none.tar"), "none.tar")
    refused(run("models", "export", "m", "-o", tmp_path / "none" / "m.tar"), "cannot be written")


def test_a_version_is_exported_to_mlflow(run, published, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "m/1 is in there." in run("export", "m", "--format", "mlflow", "--to", "there").out
    assert (tmp_path / "there" / "MLmodel").exists()
    refused(run("export", "m", "--format", "mlflow", "--to", "there"), "there already")
    assert json.loads(run("export", "m/1", "--json").out)["path"] == "m-1.tar"
    refused(run("export", "nobody", "--format", "mlflow"), "no model 'nobody'")


def test_a_table_whose_steps_are_only_numbered_goes_the_whole_way(run, tmp_path):
    rows = [f"{number},{10 + np.sin(number / 4):.3f}" for number in range(160)]
    table = tmp_path / "numbered.csv"
    table.write_text("timestamp,target\n" + "\n".join(rows) + "\n")
    trained = run("train", table, "--model", "m", *TINY)
    assert trained.code == 0, trained
    assert "What was chosen, and why" in trained.out
    assert "Steps of a season" in trained.out
    assert "autocorrelation" in trained.out
    shown = run("models", "show", "m")
    assert "_" not in shown.out, "names of the code"
    assert "What was chosen, and why" in shown.out
    forecast = run("forecast", table, "--model", "m", "--until", 162, "--plot", "--output", "-")
    assert forecast.code == 0, forecast
    lines = forecast.out.splitlines()
    assert [line.split(",")[1] for line in lines[1:4]] == ["160", "161", "162"]
    assert "159" in forecast.out
    judged = run("anomalies", table, "--model", "m", "--since", 150, "--all")
    assert judged.code == 0, judged
    assert [line.split(",")[1] for line in judged.out.splitlines()[1:11]] == [str(one) for one in range(150, 160)]
    assert run("backtest", table, "--model", "m", "--windows", 2).code == 0
    assert run("forecast", table, "--model", "m", "--horizon", "1D").code != 0

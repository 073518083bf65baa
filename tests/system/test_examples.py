"""Every example runs as a user would run it, on a real service, and says what it promises to say."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.test_service import Service

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("examples"), has_version=False)
    service.start()
    yield service
    service.close()


def run(*program: str, folder: Path, url: str = "") -> str:
    settings = {"LONGSHOT_URL": url, "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(EXAMPLES.parent)}
    command = [sys.executable, "-W", "error", *program]
    environment = {**os.environ, **settings}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_with(service: Service, name: str, folder: Path) -> str:
    return run(str(EXAMPLES / name), folder=folder, url=str(service.client.base_url))


def test_the_quickstart_forecasts_and_draws(service: Service, tmp_path: Path) -> None:
    said = run_with(service, "quickstart.py", tmp_path)
    assert "quickstart/1 is trained." in said
    assert (tmp_path / "quickstart.png").read_bytes().startswith(b"\x89PNG")


def test_planned_promotions_make_retail_forecasts_better(service: Service, tmp_path: Path) -> None:
    rows = {
        line[:11].strip(): line[11:].split()
        for line in run_with(service, "retail_covariates.py", tmp_path).splitlines()
    }
    for days in ("a promotion", "all days"):
        informed, alone = map(float, rows[days])
        assert informed < 0.8 * alone
    assert (tmp_path / "sales.png").stat().st_size > 0


def test_irregular_sensors_are_asked_for_the_very_moments_and_answer_near_the_truth(
    service: Service, tmp_path: Path
) -> None:
    said = run_with(service, "irregular_sensors.py", tmp_path)
    assert "The audit notes timestamps_irregular in 3 series." in said
    rows = [line.split() for line in said.splitlines() if line.split()[0] in ("cellar", "roof", "yard")]
    assert {row[2] for row in rows} == {"03:12:00+02:00", "14:40:00+02:00", "23:59:00+02:00"}
    assert max(abs(float(row[3]) - float(row[7])) for row in rows) < 1.5


def test_the_watch_raises_an_alarm_for_each_incident(service: Service, tmp_path: Path) -> None:
    alarms = [line for line in run_with(service, "anomaly_watch.py", tmp_path).splitlines() if "ALARM" in line]
    assert any("ALARM shop at 14:00: 3 orders" in one for one in alarms)
    assert any("ALARM app at 20:00: 3 orders" in one for one in alarms)
    assert len(alarms) <= 6


@pytest.mark.parametrize("notebook", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.name)
def test_a_notebook_runs_from_top_to_bottom_and_is_kept_without_outputs(notebook: Path, tmp_path: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = [one for one in cells if one["cell_type"] == "code"]
    assert not any(one["outputs"] or one["execution_count"] for one in code)
    script = tmp_path / "notebook.py"
    script.write_text("\n\n".join("".join(one["source"]) for one in code), encoding="utf-8")
    run(str(script), folder=tmp_path)
    assert (tmp_path / "forecast.png").stat().st_size > 0


def test_every_example_is_listed() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"]({one.name})" in listed for one in EXAMPLES.iterdir() if one.suffix in (".py", ".ipynb"))

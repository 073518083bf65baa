"""The real package of TimeGPT asks a real service with a real worker, from an environment of its own."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.stores.keyring import Keyring
from tests.system.environments import make_environment
from tests.system.test_service import Service

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]

HERE = Path(__file__).parent / "nixtla"
ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of an environment with the package, which is made once and kept."""
    return make_environment(HERE / "requirements.txt")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("nixtla"))
    service.settings = replace(service.settings, default_model="m")
    service.start()
    yield service
    service.close()


@pytest.fixture(scope="module")
def environment(service: Service) -> dict[str, str]:
    """What a program for the package finds: where to ask, and with which key."""
    keyring = Keyring(service.database)
    key = keyring.create("the package", ("forecast", "train")).text
    keyring.close()
    url = str(service.client.base_url).rstrip("/") + "/compat/nixtla"
    return {"PATH": os.environ["PATH"], "NIXTLA_BASE_URL": url, "NIXTLA_API_KEY": key}


def run(python: Path, service: Service, environment: dict[str, str], *words: object) -> str:
    finished = subprocess.run([python, *words], capture_output=True, text=True, check=False, env=environment)
    assert finished.returncode == 0, finished.stdout + finished.stderr + service.log.read_text()
    return finished.stdout


def test_every_call_of_the_package_is_answered_or_refused_with_a_reason(
    python: Path, service: Service, environment: dict[str, str]
) -> None:
    run(python, service, environment, HERE / "use_the_package.py")


def test_the_document_and_the_example_of_a_migration_run(
    python: Path, service: Service, environment: dict[str, str]
) -> None:
    block, *_ = BLOCK.findall((ROOT / "docs" / "compat.md").read_text(encoding="utf-8"))
    run(python, service, environment, "-c", block)
    shown = run(python, service, environment, ROOT / "examples" / "timegpt_migration.py")
    assert "TimeGPT-lo-90" in shown
    assert "Mean absolute error" in shown

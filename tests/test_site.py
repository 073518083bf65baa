"""The site is made of the documents without a warning, and needs nothing from elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from app import client

ROOT = Path(__file__).resolve().parent.parent
# What a page of the browser loads by itself; a link that a reader follows is none of these.
LOADED = re.compile(r"<(?:script|img|iframe|source)[^>]*\bsrc='([^']+)'|<link [^>]*\bhref='([^']+)'")
IN_STYLES = re.compile(r"url\('?([^')]+)|@import '([^']+)")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_document_is_a_page(site: Path) -> None:
    for document in (ROOT / "docs").glob("**/*.md"):
        assert (site / document.relative_to(ROOT / "docs").with_suffix(".html")).exists()


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    texts = dict.fromkeys(site.glob("**/*.html"), LOADED) | dict.fromkeys(site.glob("**/*.css"), IN_STYLES)
    named = [
        (path.name, "".join(found))
        for path, what in texts.items()
        for found in what.findall(path.read_text("utf-8").replace('"', "'"))
    ]
    assert len(named) > 100
    assert not [one for one in named if re.match(r"(?:https?:)?//", one[1])]


def test_the_reference_tells_every_operation_and_public_name(site: Path) -> None:
    http, python = ((site / f"reference/{name}.html").read_text("utf-8") for name in ("http", "python"))
    for heading in ("Forecast now", "Train a version", "Return an alias to its version before", "ForecastRequest"):
        assert f">{heading}<" in http
    for name in client.__all__:
        assert f'id="app.client.{name}"' in python, name
    assert "Generator[" not in python

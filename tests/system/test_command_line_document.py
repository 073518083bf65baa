"""docs/cli.md is followed word by word, beside a real service with a real worker on the same home."""

import os
import shutil
from pathlib import Path

import pytest

from tests.system.documents import follow
from tests.system.test_service import Service
from tests.system.warm import warm_longshot

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "cli.md"


@pytest.mark.system
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_every_block_of_the_document_does_what_is_shown(tmp_path: Path) -> None:
    service = Service(tmp_path, has_version=False)
    env = {**os.environ, "LONGSHOT_HOME": str(service.settings.home), "OMP_NUM_THREADS": "1"}
    try:
        service.start()
        with warm_longshot(tmp_path, env) as warm:
            wrong = follow(DOCUMENT, tmp_path, service.address, warm)
    finally:
        service.close()
    assert not wrong, "\n\n".join(wrong)

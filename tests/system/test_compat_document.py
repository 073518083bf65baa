"""The requests of docs/compat.md are answered as it shows, by a real service with a default model."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.system.documents import examples, follow
from tests.system.test_service import Service

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "compat.md"


@pytest.mark.system
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_every_request_is_answered_as_it_is_shown(tmp_path: Path) -> None:
    assert len(examples(DOCUMENT)) >= 4
    service = Service(tmp_path)
    service.settings = replace(service.settings, default_model="m")
    try:
        service.start()
        wrong = follow(DOCUMENT, tmp_path, service.address)
    finally:
        service.close()
    assert not wrong, "\n\n".join(wrong)

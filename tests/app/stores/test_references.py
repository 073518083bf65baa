import pytest
import sqlalchemy as sa

from app.errors import VersionNotFound
from app.settings import Settings
from app.stores.artifacts import ArtifactStore
from app.stores.database import Database
from app.stores.references import PRODUCTION, PinnedVersion
from app.stores.registry import Registry
from model import Checkpoint


def test_a_promotion_counts_from_the_next_question_on_in_every_process(
    registry: Registry, checkpoint: Checkpoint, other_checkpoint: Checkpoint, settings: Settings
) -> None:
    first, second = registry.register("m", checkpoint), registry.register("m", other_checkpoint)
    elsewhere = Database(settings.database_url)
    other = Registry(elsewhere, ArtifactStore(settings.artifacts_path))
    for version in (first, second, first):
        registry.point_alias("m", PRODUCTION, version.number, actor="test")
        expected = PinnedVersion("m", PRODUCTION, version.number, version.digest)
        assert registry.pin("m") == expected
        assert other.pin("m") == expected
    elsewhere.close()


def test_a_number_is_pinned_without_an_alias(registry: Registry, checkpoint: Checkpoint) -> None:
    version = registry.register("m", checkpoint)
    assert registry.pin("m/1") == PinnedVersion("m", None, 1, version.digest)
    assert str(registry.pin("m/1")) == str(version) == "m/1"


def test_the_database_is_asked_again_only_once_something_in_it_has_changed(
    registry: Registry, checkpoint: Checkpoint, database: Database, settings: Settings
) -> None:
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    elsewhere = Database(settings.database_url)
    asked = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *about: asked.append(about[2]))
    for _ in range(3):
        registry.pin("m")
    assert len([one for one in asked if one.startswith("SELECT")]) == 1
    with elsewhere.writing() as session:
        session.execute(sa.text("UPDATE models SET created_at = '2026-01-01 00:00:00'"))
    registry.pin("m")
    assert len([one for one in asked if one.startswith("SELECT")]) == 2
    elsewhere.close()


def test_a_deleted_version_is_not_pinned(registry: Registry, checkpoint: Checkpoint) -> None:
    registry.register("m", checkpoint)
    assert registry.pin("m/1").number == 1
    registry.delete("m", 1)
    with pytest.raises(VersionNotFound):
        registry.pin("m/1")

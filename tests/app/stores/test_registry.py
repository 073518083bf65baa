import pytest
import sqlalchemy as sa

from app.errors import AliasChanged, AliasNotFound, ModelNotFound, NameInvalid, VersionNotFound
from app.settings import Settings
from app.stores.database import Database
from app.stores.references import PRODUCTION, ModelReference
from app.stores.registry import Registry
from model import BacktestReport, Checkpoint, Forecaster, LeadScores, Score

SCORES = (Score("longshot", float("inf"), 1.0, 1.0, 0.5, 0.8),)
REPORT = BacktestReport(6, 1, 6, 2, 24, SCORES, (LeadScores(1, 6, 12, SCORES),), overlaps_training=False)


@pytest.mark.parametrize(
    ("text", "name", "alias", "number"),
    [
        ("grid-load", "grid-load", PRODUCTION, None),
        ("m@staging", "m", "staging", None),
        ("m/12", "m", None, 12),
    ],
)
def test_a_reference_has_three_forms(text: str, name: str, alias: str | None, number: int | None) -> None:
    assert ModelReference.parse(text) == ModelReference(name, alias, number)


@pytest.mark.parametrize(
    "text", ["", "M", "a b", "m@", "m/", "m/x", "m/-1", "m@a/1", "a" * 65, "../m", "m/1234567890", "ü", "m\n", ".m"]
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(NameInvalid):
        ModelReference.parse(text)


def test_versions_count_up_and_keep_what_they_came_from(registry: Registry, checkpoint: Checkpoint) -> None:
    first = registry.register("m", checkpoint, dataset_id="ds_1", job_id="job_1", report=REPORT)
    second = registry.register("m", checkpoint)
    assert (first.number, second.number) == (1, 2)
    assert registry.version("m", 1).report == REPORT
    assert registry.version("m", 1).manifest == checkpoint.manifest
    assert registry.version("m", 1).config == checkpoint.config
    assert (first.job_id, first.dataset_id, second.report) == ("job_1", "ds_1", None)
    assert [one.number for one in registry.versions("m")] == [2, 1]
    assert registry.model("m").latest == 2


def test_a_registered_checkpoint_can_be_loaded(registry: Registry, checkpoint: Checkpoint) -> None:
    version = registry.register("m", checkpoint)
    assert Forecaster.load(registry.checkpoint_path(version)).manifest == checkpoint.manifest


def test_a_job_registers_once_however_often_it_is_repeated(registry: Registry, checkpoint: Checkpoint) -> None:
    first = registry.register("m", checkpoint, job_id="job_1")
    again = registry.register("m", checkpoint, job_id="job_1")
    assert (first.name, first.number, first.created_at) == (again.name, again.number, again.created_at)
    assert len(registry.versions("m")) == 1


def test_files_without_a_version_are_all_that_a_crash_can_leave(
    registry: Registry, checkpoint: Checkpoint, database: Database, settings: Settings
) -> None:
    def power_cut(connection, cursor, statement: str, *rest: object) -> None:
        if statement.startswith("INSERT INTO versions"):
            raise KeyboardInterrupt

    sa.event.listen(database.engine, "before_cursor_execute", power_cut)
    with pytest.raises(KeyboardInterrupt):
        registry.register("m", checkpoint, job_id="job_1")
    sa.event.remove(database.engine, "before_cursor_execute", power_cut)
    assert registry.models() == ()
    assert len(list(settings.artifacts_path.glob("checkpoints/*"))) == 1
    assert registry.register("m", checkpoint, job_id="job_1").number == 1


def test_a_plain_name_means_its_production_alias(registry: Registry, checkpoint: Checkpoint) -> None:
    registry.register("m", checkpoint)
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 2, actor="test")
    assert registry.resolve("m").number == 2
    assert registry.resolve("m@production").aliases == (PRODUCTION,)
    assert registry.resolve("m/1").aliases == ()


def test_what_does_not_exist_is_named_together_with_what_does(registry: Registry, checkpoint: Checkpoint) -> None:
    with pytest.raises(ModelNotFound, match="there is none yet"):
        registry.resolve("m")
    registry.register("m", checkpoint)
    with pytest.raises(ModelNotFound, match="there is m"):
        registry.resolve("n")
    with pytest.raises(AliasNotFound, match="has no alias 'production'; there is none yet"):
        registry.resolve("m")
    with pytest.raises(VersionNotFound, match="no version 2; there is 1"):
        registry.resolve("m/2")
    with pytest.raises(VersionNotFound):
        registry.version("m", 10**30)


def test_every_move_of_an_alias_stays_in_its_history(registry: Registry, checkpoint: Checkpoint) -> None:
    for _ in range(2):
        registry.register("m", checkpoint)
    moves = [registry.point_alias("m", "live", number, actor=f"user {number}") for number in (1, 2, 1)]
    assert [one.revision for one in moves] == [1, 2, 3]
    assert registry.history("m", "live") == tuple(reversed(moves))
    assert registry.alias("m", "live") == moves[-1]
    assert registry.point_alias("m", "live", 1, actor="again") == moves[-1]


def test_an_alias_moves_only_from_where_the_caller_saw_it(registry: Registry, checkpoint: Checkpoint) -> None:
    for _ in range(2):
        registry.register("m", checkpoint)
    registry.point_alias("m", "live", 1, actor="a", expected=0)
    registry.point_alias("m", "live", 2, actor="b", expected=1)
    with pytest.raises(AliasChanged, match="at revision 2, not 1"):
        registry.point_alias("m", "live", 1, actor="c", expected=1)
    assert registry.alias("m", "live").number == 2


def test_an_alias_points_only_at_a_version_that_exists(registry: Registry, checkpoint: Checkpoint) -> None:
    registry.register("m", checkpoint)
    with pytest.raises(VersionNotFound):
        registry.point_alias("m", "live", 2, actor="a")
    with pytest.raises(ModelNotFound):
        registry.point_alias("n", "live", 1, actor="a")
    with pytest.raises(NameInvalid):
        registry.point_alias("m", "Live!", 1, actor="a")


def test_models_are_listed_by_name_with_where_their_aliases_point(registry: Registry, checkpoint: Checkpoint) -> None:
    for name in ("b", "a"):
        registry.register(name, checkpoint)
        registry.point_alias(name, "live", 1, actor="test")
    assert [(one.name, one.latest, one.aliases[0].alias) for one in registry.models()] == [
        ("a", 1, "live"),
        ("b", 1, "live"),
    ]

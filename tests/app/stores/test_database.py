import threading
from pathlib import Path

import alembic.autogenerate
import alembic.migration
import pytest
import sqlalchemy as sa

from app.errors import CursorInvalid, DatabaseTooNew
from app.stores.database import Database, migrate, now, read_cursor
from app.stores.tables import AuditRow, Base, DatasetRow, ModelRow


def test_the_migrations_give_the_tables_that_the_code_expects(database: Database) -> None:
    with database.engine.connect() as connection:
        context = alembic.migration.MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert alembic.autogenerate.compare_metadata(context, Base.metadata) == []


def test_a_database_of_a_newer_release_is_left_alone(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseTooNew, match="9999"):
        migrate(database)


def test_processes_that_start_together_migrate_once(tmp_path: Path) -> None:
    databases = [Database(f"sqlite:///{tmp_path}/one.db") for _ in range(4)]
    failures: list[Exception] = []

    def start(database: Database) -> None:
        try:
            migrate(database)
        except (sa.exc.SQLAlchemyError, DatabaseTooNew) as error:
            failures.append(error)

    threads = [threading.Thread(target=start, args=(one,)) for one in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sa.inspect(databases[0].engine).has_table("jobs")
    for one in databases:
        one.close()


def test_what_fails_half_way_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.writing() as session:
            session.add(ModelRow(name="m", created_at=now()))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.reading() as session:
        assert session.get(ModelRow, "m") is None


def test_instants_come_back_in_utc(database: Database) -> None:
    moment = now()
    with database.writing() as session:
        session.add(ModelRow(name="m", created_at=moment))
    with database.reading() as session:
        assert session.get_one(ModelRow, "m").created_at == moment


def test_many_writers_at_once_all_get_their_turn(database: Database) -> None:
    def write(number: int) -> None:
        for step in range(10):
            with database.writing() as session:
                session.scalar(sa.select(sa.func.count()).select_from(DatasetRow))
                row = DatasetRow(
                    id=f"{number}-{step}",
                    revision=1,
                    digest=f"{number}-{step}",
                    num_series=1,
                    num_observations=1,
                    created_at=now(),
                    updated_at=now(),
                )
                session.add(row)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(DatasetRow)) == 40


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1" * 30])
def test_a_cursor_of_another_kind_is_refused(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        read_cursor(cursor)


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET actor = 'nobody'", "DELETE FROM audit_log"])
def test_the_audit_log_can_only_grow(database: Database, statement: str) -> None:
    with database.writing() as session:
        session.add(AuditRow(at=now(), actor="a", action="key.created", subject="s", details={}))
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.execute(sa.text(statement))
    with database.reading() as session:
        assert session.scalars(sa.select(AuditRow.actor)).all() == ["a"]

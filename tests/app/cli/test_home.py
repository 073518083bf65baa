"""What a command opens is closed when it ends."""

import pytest

from app.cli.home import open_database, open_registry
from app.errors import ModelNotFound
from app.settings import Settings


def test_a_database_is_closed_at_the_end(settings: Settings) -> None:
    with open_database(settings) as database:
        assert database.stamp() is not None
        assert database.engine.pool.checkedin() == 1
    assert database.engine.pool.checkedin() == 0


def test_a_database_is_closed_where_the_command_is_refused(settings: Settings) -> None:
    with pytest.raises(ModelNotFound), open_database(settings) as database, open_registry(settings) as registry:
        registry.resolve("nothing")
    assert database.engine.pool.checkedin() == 0

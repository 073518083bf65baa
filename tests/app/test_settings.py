from pathlib import Path

import pytest

from app.errors import HomeUnusable, SettingInvalid
from app.settings import Settings, describe_settings


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.from_environment({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.database_url == f"sqlite:///{settings.home}/longshot.db"
    assert not settings.allow_unauthenticated


def test_every_kind_of_value_is_read(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "LONGSHOT_HOME": str(tmp_path),
            "LONGSHOT_PORT": "9000",
            "LONGSHOT_ALLOW_UNAUTHENTICATED": "Yes",
            "LONGSHOT_FORECAST_TIMEOUT_SECONDS": "2.5",
            "LONGSHOT_LOG_FORMAT": "json",
            "LONGSHOT_WORKER": "",
        }
    )
    assert settings == Settings(
        home=tmp_path, port=9000, allow_unauthenticated=True, forecast_timeout_seconds=2.5, log_format="json"
    )


@pytest.mark.parametrize(
    ("variable", "value", "needed"),
    [
        ("LONGSHOT_PORT", "http", "a whole number from 0 to 65535"),
        ("LONGSHOT_PORT", "70000", "a whole number from 0 to 65535"),
        ("LONGSHOT_WORKER", "maybe", "one of 1, true"),
        ("LONGSHOT_SHUTDOWN_SECONDS", "nan", "a number of seconds above 0"),
        ("LONGSHOT_DATABASE_URL", "mysql://somewhere", "sqlite:///FILE or postgresql://"),
        ("LONGSHOT_LOG_LEVEL", "loud", "one of debug, info"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable_and_what_is_needed(variable: str, value: str, needed: str) -> None:
    with pytest.raises(SettingInvalid) as error:
        Settings.from_environment({variable: value})
    assert variable in error.value.detail
    assert repr(value) in error.value.detail
    assert needed in error.value.detail
    assert "\n" not in str(error.value)


def test_another_process_reads_the_same_settings(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, port=0, worker=False, training_threads=3, shutdown_seconds=1.5)
    assert Settings.from_environment(settings.to_environment()) == settings


def test_workflows_share_the_server_of_a_postgresql_database(tmp_path: Path) -> None:
    settings = Settings.from_environment({"LONGSHOT_DATABASE_URL": "postgres://me@db/longshot"})
    assert settings.database_url == settings.jobs_url == "postgresql://me@db/longshot"
    assert Settings(home=tmp_path).jobs_url == f"sqlite:///{tmp_path}/jobs.db"


def test_every_variable_is_described() -> None:
    described = describe_settings()
    assert described[0].variable == "LONGSHOT_HOME"
    assert all(one.text.endswith(".") and one.default for one in described)


def test_a_home_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeUnusable, match="LONGSHOT_HOME"):
        Settings(home=tmp_path / "file" / "home").make_home()

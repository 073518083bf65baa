import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.errors import CursorInvalid, DatasetChanged, DatasetCorrupt, DatasetInUse, DatasetNotFound, LimitExceeded
from app.jobs.jobs import Jobs
from app.jobs.values import TrainingRequest
from app.settings import Settings
from app.stores.artifacts import ArtifactStore
from app.stores.database import Database
from app.stores.datasets import Datasets, PanelLimits
from model import ObservationConflict, Panel, Series, TrainingOptions
from tests.app.conftest import make_panel


def mixed_panel() -> Panel:
    """Series that share nothing: zones, frequencies, holes, a single observation, a name of any letters."""
    scattered = pd.DatetimeIndex(["2026-01-03T00:07:01", "2026-01-05", "2026-02-01"])
    return Panel(
        (
            Series.from_grid("é/1 \U0001f600", pd.Timestamp("2026-03-28", tz="Europe/Berlin"), "D", [1, None, 3.5]),
            Series.from_values("scattered", scattered, [1e-300, -1e300, 0.1]),
            Series.from_values("single", ["1969-07-20T20:17:40.123456Z"], [1]),
            Series.from_grid("monthly", "2026-01-01", "MS", np.arange(24)),
        )
    )


def test_a_panel_comes_back_as_it_was(datasets: Datasets) -> None:
    panel = mixed_panel()
    dataset = datasets.add(panel)
    back = datasets.panel(dataset.id)
    assert back.digest() == panel.digest() == dataset.digest
    assert [one.item_id for one in back] == [one.item_id for one in panel]
    assert [(one.freq, one.time_zone) for one in back] == [(one.freq, one.time_zone) for one in panel]
    assert (dataset.num_series, dataset.num_observations) == (4, panel.num_observations)
    assert datasets.get(dataset.id) == dataset


def test_the_same_panel_in_another_order_is_the_same_dataset(datasets: Datasets) -> None:
    panel = make_panel()
    assert datasets.add(panel) == datasets.add(Panel(panel.series[::-1]))
    assert len(datasets.list().items) == 1


def test_the_list_is_newest_first_and_goes_on_from_its_cursor(datasets: Datasets) -> None:
    ids = [datasets.add(make_panel(seed=seed)).id for seed in range(3)]
    first = datasets.list(limit=2)
    rest = datasets.list(limit=2, cursor=first.next_cursor)
    assert [one.id for one in first.items + rest.items] == ids[::-1]
    assert rest.next_cursor is None
    with pytest.raises(CursorInvalid):
        datasets.list(cursor="next")


def test_an_unknown_dataset_is_refused(datasets: Datasets) -> None:
    for ask in (datasets.get, datasets.panel, datasets.delete):
        with pytest.raises(DatasetNotFound, match="ds_unknown"):
            ask("ds_unknown")


def stored_file(settings: Settings) -> Path:
    return next(settings.artifacts_path.glob("datasets/*.parquet"))


def test_a_damaged_file_is_noticed(datasets: Datasets, settings: Settings) -> None:
    dataset = datasets.add(make_panel())
    content = stored_file(settings).read_bytes()
    stored_file(settings).write_bytes(content[: len(content) // 2])
    with pytest.raises(DatasetCorrupt, match="cannot be used"):
        datasets.panel(dataset.id)


def test_a_missing_file_is_noticed(datasets: Datasets, settings: Settings) -> None:
    dataset = datasets.add(make_panel())
    stored_file(settings).unlink()
    with pytest.raises(DatasetCorrupt, match="it is missing"):
        datasets.panel(dataset.id)


def test_a_file_of_another_panel_is_noticed(datasets: Datasets, settings: Settings) -> None:
    dataset = datasets.add(make_panel())
    mine = stored_file(settings)
    datasets.add(make_panel(seed=1))
    other = next(one for one in settings.artifacts_path.glob("datasets/*.parquet") if one != mine)
    mine.write_bytes(other.read_bytes())
    with pytest.raises(DatasetCorrupt, match="its content has changed"):
        datasets.panel(dataset.id)


def test_a_deleted_dataset_is_gone_and_can_be_added_again(datasets: Datasets, settings: Settings) -> None:
    dataset = datasets.add(make_panel())
    datasets.delete(dataset.id)
    assert not list(settings.artifacts_path.glob("datasets/*"))
    with pytest.raises(DatasetNotFound):
        datasets.get(dataset.id)
    assert datasets.add(make_panel()).id == dataset.id


def test_a_dataset_is_whole_although_others_add_and_delete_it_meanwhile(datasets: Datasets) -> None:
    panel = make_panel(num_items=1, length=5)

    def delete() -> None:
        for _ in range(30):
            with contextlib.suppress(DatasetNotFound):
                datasets.delete(dataset.id)

    dataset = datasets.add(panel)
    others = threading.Thread(target=delete)
    others.start()
    for _ in range(30):
        datasets.add(panel)
    others.join()
    datasets.add(panel)
    assert datasets.panel(dataset.id).digest() == panel.digest()


def test_a_dataset_that_a_job_needs_stays(datasets: Datasets, jobs: Jobs, database: Database) -> None:
    dataset = datasets.add(make_panel())
    job = jobs.submit(TrainingRequest("m", dataset.id, TrainingOptions()))
    with pytest.raises(DatasetInUse, match=job.id):
        datasets.delete(dataset.id)
    jobs.cancel(job.id)
    datasets.delete(dataset.id)


def hourly(item_id: str, first: int, last: int) -> Panel:
    start = pd.Timestamp("2026-01-01", tz="UTC") + pd.Timedelta(hours=first)
    return Panel((Series.from_grid(item_id, start, "h", np.arange(float(first), last)),))


def files(settings: Settings) -> set[str]:
    return {path.stem for path in settings.artifacts_path.glob("datasets/*")}


def test_an_appended_dataset_keeps_its_id_and_holds_all_observations(datasets: Datasets, settings: Settings) -> None:
    dataset = datasets.add(hourly("a", 0, 50))
    appended = datasets.append(dataset.id, hourly("a", 40, 60))
    assert (appended.num_added, appended.num_known) == (10, 10)
    assert (appended.dataset.id, appended.dataset.revision) == (dataset.id, 2)
    assert datasets.panel(dataset.id).digest() == hourly("a", 0, 60).digest() == appended.dataset.digest
    assert datasets.get(dataset.id) == appended.dataset
    assert [one.digest for one in datasets.revisions(dataset.id).items] == [appended.dataset.digest, dataset.digest]
    assert files(settings) == {appended.dataset.digest}


def test_an_append_that_is_repeated_changes_nothing(datasets: Datasets) -> None:
    dataset = datasets.add(hourly("a", 0, 50))
    first = datasets.append(dataset.id, hourly("a", 50, 60))
    again = datasets.append(dataset.id, hourly("a", 50, 60))
    assert again.dataset == first.dataset
    assert (again.num_added, again.num_known) == (0, 10)


def test_a_contradiction_is_refused_and_changes_nothing(datasets: Datasets, settings: Settings) -> None:
    dataset = datasets.add(hourly("a", 0, 50))
    wrong = Panel((Series.from_grid("a", "2026-01-03T01:00Z", "h", [49.0, 7.0, 51.0]),))
    datasets.append(dataset.id, hourly("a", 50, 51))
    before = datasets.get(dataset.id)
    with pytest.raises(ObservationConflict, match="2026-01-03T02:00:00"):
        datasets.append(dataset.id, wrong)
    assert datasets.get(dataset.id) == before
    assert files(settings) == {before.digest}


def test_an_append_meant_for_another_content_is_refused(datasets: Datasets) -> None:
    dataset = datasets.add(hourly("a", 0, 50))
    datasets.append(dataset.id, hourly("a", 50, 51), expected=dataset.digest)
    with pytest.raises(DatasetChanged):
        datasets.append(dataset.id, hourly("a", 51, 52), expected=dataset.digest)


def test_a_dataset_does_not_grow_beyond_its_limits(datasets: Datasets) -> None:
    dataset = datasets.add(hourly("a", 0, 50))
    with pytest.raises(LimitExceeded, match="60 observations"):
        datasets.append(dataset.id, hourly("a", 50, 60), limits=PanelLimits(1, 59))
    with pytest.raises(LimitExceeded, match="2 series"):
        datasets.append(dataset.id, hourly("b", 0, 1), limits=PanelLimits(1, 100))
    assert datasets.get(dataset.id) == dataset


def test_what_was_uploaded_first_can_be_uploaded_again_beside_what_became_of_it(datasets: Datasets) -> None:
    dataset = datasets.add(hourly("a", 0, 50))
    datasets.append(dataset.id, hourly("a", 50, 60))
    again = datasets.add(hourly("a", 0, 50))
    assert again.id != dataset.id
    assert datasets.add(hourly("a", 0, 50)) == again
    grown = datasets.add(hourly("a", 0, 60))
    assert grown.id not in (dataset.id, again.id)
    datasets.delete(dataset.id)
    for one, last in ((again, 50), (grown, 60)):
        assert datasets.panel(one.id).digest() == hourly("a", 0, last).digest()


def test_a_job_trains_on_the_revision_it_was_submitted_with(
    datasets: Datasets, jobs: Jobs, database: Database, settings: Settings
) -> None:
    dataset = datasets.add(hourly("a", 0, 50))
    job = jobs.submit(TrainingRequest("m", dataset.id, TrainingOptions()))
    second = datasets.append(dataset.id, hourly("a", 50, 60)).dataset
    assert job.dataset_digest == dataset.digest
    assert datasets.panel(dataset.id, digest=job.dataset_digest).digest() == dataset.digest
    third = datasets.append(dataset.id, hourly("a", 60, 70)).dataset
    assert files(settings) == {dataset.digest, third.digest}
    jobs.cancel(job.id)
    fourth = datasets.append(dataset.id, hourly("a", 70, 80)).dataset
    assert files(settings) == {fourth.digest}
    stored = {one.digest: one.is_stored for one in datasets.revisions(dataset.id).items}
    assert stored == {dataset.digest: False, second.digest: False, third.digest: False, fourth.digest: True}


def test_appends_that_race_are_all_kept(settings: Settings, database: Database, artifacts: ArtifactStore) -> None:
    dataset = Datasets(database, artifacts).add(hourly("a", 0, 10))
    failures: list[Exception] = []

    def append(number: int) -> None:
        # A store of its own, as another process has.
        database = Database(settings.database_url)
        own = Datasets(database, artifacts)
        try:
            for step in range(5):
                first = 10 + 10 * number + 2 * step
                own.append(dataset.id, hourly("a", first, first + 2))
                own.panel(dataset.id)
        except Exception as error:  # noqa: BLE001
            failures.append(error)
        database.close()

    threads = [threading.Thread(target=append, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    datasets = Datasets(database, artifacts)
    assert datasets.panel(dataset.id).digest() == hourly("a", 0, 50).digest()
    assert datasets.get(dataset.id).revision == 21
    assert files(settings) == {datasets.get(dataset.id).digest}


APPEND_FOR_EVER = """
import sys
import numpy as np, pandas as pd
from app.stores.artifacts import ArtifactStore
from app.stores.database import Database
from app.stores.datasets import Datasets
from app.settings import Settings
from model import Panel, Series

settings = Settings.from_environment()
datasets = Datasets(Database(settings.database_url), ArtifactStore(settings.artifacts_path))
start = pd.Timestamp("2026-01-01", tz="UTC")
print("ready", flush=True)
for first in range(int(sys.argv[2]), 10**6, 3):
    values = np.arange(float(first), first + 3)
    datasets.append(sys.argv[1], Panel((Series.from_grid("a", start + pd.Timedelta(hours=first), "h", values),)))
    print("appended", flush=True)
"""


@pytest.mark.system
def test_an_append_that_is_killed_has_happened_whole_or_not_at_all(datasets: Datasets, settings: Settings) -> None:
    dataset = datasets.add(hourly("a", 0, 30_000))
    random = np.random.default_rng(0)
    for _ in range(3):
        before = datasets.get(dataset.id)
        process = subprocess.Popen(
            [sys.executable, "-c", APPEND_FOR_EVER, dataset.id, str(before.num_observations)],
            env={**os.environ, **settings.to_environment(), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        while process.stdout.readline() != "appended\n":
            assert process.poll() is None
        time.sleep(random.uniform(0.0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        after = datasets.get(dataset.id)
        assert (after.num_observations - before.num_observations) % 3 == 0
        assert datasets.panel(dataset.id).digest() == hourly("a", 0, after.num_observations).digest()
    assert datasets.get(dataset.id).revision > 1

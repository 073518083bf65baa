import contextlib
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.database import Database
from app.datasets import Datasets
from app.errors import CursorInvalid, DatasetCorrupt, DatasetInUse, DatasetNotFound
from app.jobs import Jobs, TrainingRequest
from app.settings import Settings
from model import Panel, Series, TrainingOptions
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

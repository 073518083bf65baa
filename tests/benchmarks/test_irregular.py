"""The suite of irregular observations reads its archive, follows its protocol and beats what is simple."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.accuracy import irregular, physionet
from benchmarks.accuracy.__main__ import main
from benchmarks.accuracy.stay_network import NUM_VIEWS, Observed, StayNetwork, between


def write_archive(folder: Path, stays: list[list[tuple[str, str, float]]]) -> Path:
    path = folder / "physionet2012_set-a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for number, rows in enumerate(stays, 132539):
            facts = [
                ("00:00", "RecordID", number),
                ("00:00", "Age", 40 + number % 50),
                ("00:00", "ICUType", number % 4),
            ]
            lines = ["Time,Parameter,Value", *(f"{time},{name},{value:g}" for time, name, value in [*facts, *rows])]
            body = ("\n".join(lines) + "\n").encode()
            entry = tarfile.TarInfo(f"set-a/{number}.txt")
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return path


def some_stays(num_stays: int) -> list[list[tuple[str, str, float]]]:
    """Heart rates that fall from a level of the stay's own, and pressures that mirror them, at random minutes."""
    random = np.random.default_rng(0)
    stays = []
    for _ in range(num_stays):
        level, minutes = random.normal(90, 15), np.sort(random.choice(2880, size=60, replace=False))
        rates = level - 20 * minutes / 2880 + random.normal(size=60)
        rows = [(minute, "HR", rate) for minute, rate in zip(minutes, rates, strict=True)]
        rows += [(minute, "MAP", 170 - rate) for minute, rate in zip(minutes[::4], rates[::4], strict=True)]
        rows += [(minute, "MechVent", 1.0) for minute in minutes[::9]]
        stays.append([(f"{one[0] // 60:02d}:{one[0] % 60:02d}", *one[1:]) for one in sorted(rows)])
    return stays


def test_observations_are_standardised_by_channel_and_errors_of_recording_are_left_out(tmp_path: Path) -> None:
    stays = some_stays(40)
    stays[3] = [*stays[3][:5], ("20:30", "HR", 9000.0), ("20:31", "Temp", -1.0)]
    stays[7] = []
    found = physionet.read(write_archive(tmp_path, stays))
    assert len(found) == 40
    assert not (found.stay == 7).any()
    kept = {physionet.CHANNELS[channel] for channel in np.unique(found.channel)}
    assert kept == {"HR", "MAP"}
    wrong = (found.stay == 3) & (np.abs(found.hour - 20.5) < 1e-9)
    assert found.value[wrong].item() > irregular.FARTHEST
    seen = irregular.Hours.of(found).seen
    assert not seen[3, irregular.CONTEXT + 20].any()
    assert int(seen.sum()) > 1000
    pressures = found.value[found.channel == physionet.CHANNELS.index("MAP")]
    assert pressures.mean() == pytest.approx(0, abs=0.1)
    assert pressures.std() == pytest.approx(1, abs=0.1)


def test_what_is_known_at_a_cutoff_ends_before_it_and_what_comes_begins_there(tmp_path: Path) -> None:
    hours = irregular.Hours.of(physionet.read(write_archive(tmp_path, some_stays(12))))
    cutoffs = torch.tensor([18, 36, 42])
    known, coming = hours.cut(torch.tensor([0, 5, 7]), cutoffs)
    assert bool((known.ages[known.seen] > 0).all())
    assert float(known.ages[known.seen].max()) <= irregular.CONTEXT
    leads = torch.arange(irregular.HORIZON)[:, None]
    assert bool(((coming.leads >= leads) & (coming.leads <= leads + 1))[coming.seen].all())
    assert not coming.seen[2, 48 - 42 :].any()
    last = coming.first(3)
    assert int(last.seen.any(-1).sum(1).max()) == 3
    assert bool((last.seen <= coming.seen).all())


def test_every_observation_of_the_twelve_hours_is_scored_at_its_own_minute(tmp_path: Path) -> None:
    stays = physionet.read(write_archive(tmp_path, some_stays(12)))
    chosen = torch.tensor([4, 1])
    forecasts = torch.arange(13.0)[None, :, None].expand(2, -1, len(physionet.CHANNELS))
    late = np.isin(stays.stay, chosen) & (stays.hour >= 36)
    expected = np.mean((stays.hour[late] - 36 - stays.value[late]) ** 2)
    assert irregular._error_by_minute(forecasts, stays, chosen) == pytest.approx(expected, rel=1e-5)


def test_forecasts_are_linear_between_whole_hours() -> None:
    forecasts = torch.tensor([0.0, 2.0, 10.0]).view(1, 3, 1)
    leads = torch.tensor([0.0, 0.5, 1.25, 2.0]).view(1, 4, 1)
    assert between(forecasts, leads).flatten().tolist() == [0.0, 1.0, 4.0, 10.0]


def some_network() -> StayNetwork:
    torch.manual_seed(0)
    network = StayNetwork(3, 2, state_size=8, inflation=2, num_particles=4, dropout=0.3).eval()
    for layer in (network.direct, network.mixture):
        torch.nn.init.normal_(layer.weight)
    return network


def some_observations() -> Observed:
    random = torch.Generator().manual_seed(1)
    seen = torch.rand(2, 6, 3, generator=random) < 0.5
    seen[0, :, 2] = False
    values, ages = (torch.rand(2, 6, 3, generator=random) for _ in range(2))
    return Observed(values, seen, 10 * ages, torch.rand(2, 2, generator=random), torch.full((2,), 36.0))


def test_only_what_was_observed_counts_in_whatever_order_it_is_held() -> None:
    network, known = some_network(), some_observations()
    forecast = network(known, [0.0, 7.0])
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    hidden = torch.where(known.seen, known.values, 99.0)
    held = Observed(hidden[:, order], known.seen[:, order], known.ages[:, order], known.facts, known.cutoffs)
    assert torch.allclose(network(held, [0.0, 7.0]), forecast, atol=1e-5)


def test_a_forecast_does_not_depend_on_the_other_times_asked_nor_on_other_stays() -> None:
    network, known = some_network(), some_observations()
    alone = Observed(known.values[1:], known.seen[1:], known.ages[1:], known.facts[1:], known.cutoffs[1:])
    both = network(known, [0.0, 2.5, 11.0])
    assert torch.allclose(network(alone, [2.5]), both[1:, 1:2], atol=1e-5)


def test_a_view_is_the_mean_of_what_was_observed_where_there_is_plenty() -> None:
    network, known = some_network(), some_observations()
    many = Observed(torch.full((1, 500, 3), 2.0), torch.ones(1, 500, 3, dtype=torch.bool), torch.zeros(1, 500, 3),
                    known.facts[:1], known.cutoffs[:1])  # fmt: skip
    means, masses = network.views(many)
    assert torch.allclose(means, torch.full((1, 3, NUM_VIEWS), 2.0), atol=0.01)
    assert torch.allclose(masses, torch.full((1, 3, NUM_VIEWS), 500.0))
    none = Observed(many.values, torch.zeros_like(many.seen), many.ages, many.facts, many.cutoffs)
    assert network.views(none)[0].abs().max() == 0


@pytest.mark.slow
def test_the_suite_beats_the_last_value_and_writes_what_it_is_compared_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_archive(tmp_path, some_stays(150))
    file = tmp_path / "records.json"
    quick = ["state_size=16", "num_particles=8", "num_epochs=4", "steps_per_epoch=25", "batch_size=64"]
    words = ["--data", str(tmp_path), "--suite", "irregular", "--json", str(file)]
    assert main([*words, *(f"--option={one}" for one in quick)]) == 0
    assert "GraFITi 0.286" in capsys.readouterr().out
    records = {record["name"].split(".")[-1]: record for record in json.loads(file.read_text())}
    assert list(records) == ["next_three_mse", "twelve_hours_mse", "minutes_mse"]
    for record in records.values():
        assert record["value"] < record["compared_with"]["last value"]
        assert record["settings"]["stays"] == [90, 30, 30]
        assert record["settings"]["recipe"]["state_size"] == 16

"""The parts that an ablation puts in place of the product's do what they say, and each row is measured alike."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from benchmarks.ablation import variants
from benchmarks.ablation.__main__ import main
from benchmarks.ablation.carriers import Penalised, Residual, Unrolled
from benchmarks.ablation.variants import VARIANTS, Variant
from model.configuration.config import TrainingConfig
from model.networks.network import ShootingNetwork
from tests.benchmarks.test_accuracy import write_set

CONFIG = TrainingConfig(
    freq="h",
    season_length=24,
    horizon=24,
    context_length=48,
    patch_length=12,
    validation_steps=100,
    state_size=8,
    num_particles=4,
    linear=True,
)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: f"{variant.part}: {variant.name}")
def test_every_variant_answers_its_trained_horizon_and_learns_in_each_of_its_parts(variant: Variant) -> None:
    torch.manual_seed(0)
    network = variant.build(CONFIG)
    quantiles = network(torch.randn(5, 48), 24)
    assert quantiles.shape == (5, 24, len(CONFIG.quantile_levels))
    (quantiles.square().mean()).backward()
    assert all(one.grad is not None for one in network.parameters() if one.requires_grad)
    variant.finish(network)


def test_variants_are_told_apart_by_their_names() -> None:
    assert len({(variant.part, variant.name) for variant in VARIANTS}) == len(VARIANTS)


def test_the_product_s_own_parametrisation_put_in_again_changes_nothing() -> None:
    torch.manual_seed(0)
    network, context = ShootingNetwork(CONFIG), torch.randn(3, 48)
    weights = network.state_dict()
    variants._parametrised("particles_dynamic")(network, CONFIG)
    network.load_state_dict(weights)
    torch.manual_seed(0)
    assert_close(network(context, 24), ShootingNetwork(CONFIG)(context, 24))


def test_a_decoder_without_a_flow_ends_with_its_last_patch() -> None:
    decoder = Unrolled(Residual(8, 16, 3), 3)
    state = (torch.randn(5, 8), torch.randn(5, 16))
    assert len(decoder.carry(state, decoder.controls(), [1.0, 2.0])) == 2
    with pytest.raises(ValueError, match="4 patches"):
        decoder.carry(state, decoder.controls(), [1.0, 2.0, 3.0, 4.0])


def test_a_penalty_changes_gradients_as_if_it_stood_in_the_loss() -> None:
    network = ShootingNetwork(CONFIG)
    flow, context = network.flow, torch.randn(3, 48)
    (network(context, 24).mean() + 0.3 * flow.energy()).backward()
    expected = [one.grad.clone() for one in flow.parameters()]
    network.zero_grad()
    network.flow = Penalised(flow, 0.3)
    network(context, 24).mean().backward()
    for found, wanted in zip(flow.parameters(), expected, strict=True):
        assert_close(found.grad, wanted)


def test_a_set_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--datasets", "ETTh9"]) == 2
    assert "no ETTh9.csv" in capsys.readouterr().err


@pytest.mark.slow
def test_a_flow_is_continued_and_rolled_beyond_its_horizon_and_a_decoder_only_rolled(tmp_path: Path) -> None:
    write_set(tmp_path, "waves.csv", length=1500)
    file = tmp_path / "records.json"
    words = ["--data", str(tmp_path), "--datasets", "waves", "--horizon", "24", "--beyond", "48", "--parts", "flow"]
    assert main([*words, "--epochs", "1", "--json", str(file)]) == 0
    records = {record["name"]: record for record in json.loads(file.read_text())}
    ways = {name.removeprefix("ablation.waves.flow.").rpartition(".")[0] for name in records}
    flows = [variant for variant in VARIANTS if variant.part == "flow"]
    expected = {f"{one.name}.{way}" for one in flows for way in ("24.trained", "48.rolled")}
    assert ways == expected | {f"{one.name}.48.continued" for one in flows if one.continues}
    assert records["ablation.waves.flow.direct_static.24.trained.test_mse"]["settings"]["config"]["linear"] is False


def test_what_a_variant_changes_of_the_configuration_exists() -> None:
    for variant in VARIANTS:
        replace(CONFIG, **variant.choices)

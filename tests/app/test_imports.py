import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import hypothesis
import pytest
import torch
from hypothesis import strategies
from safetensors.torch import load, save

from app.bundles import bundle
from app.errors import NameInvalid
from app.imports import BundleError, BundleFormatUnsupported, BundleInvalid, BundleNameless, import_bundle
from app.settings import Settings
from app.stores.artifacts import ArtifactStore
from app.stores.database import Database, migrate
from app.stores.registry import Registry
from app.stores.versions import Origin
from app.training import TrainingPlan, train
from model import Checkpoint, Forecaster, Steps
from model.training.checkpoint import _digest, _hash
from tests.app.conftest import TINY, Client, make_panel, serve

TAR = {"content-type": "application/x-tar"}


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bundle of a version that was trained in another home."""
    home = tmp_path_factory.mktemp("elsewhere")
    database = Database(f"sqlite:///{home}/longshot.db")
    migrate(database)
    registry = Registry(database, ArtifactStore(home / "artifacts"))
    version = train(registry, make_panel(), TrainingPlan("m", "test", TINY)).version
    content = b"".join(bundle(version, registry.checkpoint_path(version)))
    database.close()
    return content


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    with serve(settings) as client:
        yield client


def unpacked(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar}


def packed(files: Mapping[str, bytes], *, entry: Callable[[str], tarfile.TarInfo] = tarfile.TarInfo) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, raw in files.items():
            head = entry(name)
            head.size = len(raw)
            tar.addfile(head, io.BytesIO(raw))
    return content.getvalue()


def forged(files: Mapping[str, bytes], **changed: bytes) -> dict[str, bytes]:
    """The files with others in place of some, and a manifest whose hashes agree with them."""
    names = {"weights": "model.safetensors", "config": "config.json", "validation": "validation.json"}
    new = dict(files) | {names[one]: content for one, content in changed.items()}
    manifest = json.loads(new["manifest.json"])
    manifest["files"] = {name: _hash(new[name]) for name in names.values()}
    manifest["digest"] = _digest(manifest["files"])
    new["manifest.json"] = json.dumps(manifest).encode()
    del new["version.json"]
    return new


def edited(content: bytes, **fields: object) -> bytes:
    return json.dumps(json.loads(content) | fields).encode()


def test_an_imported_version_forecasts_the_same_numbers(registry: Registry, exported: bytes, tmp_path: Path):
    version = import_bundle(registry, exported).version
    folder = tmp_path / "original"
    folder.mkdir()
    for name, raw in unpacked(exported).items():
        (folder / name).write_bytes(raw)
    forecasts = [
        Forecaster.load(one).forecast(make_panel(), Steps(30)).items
        for one in (folder, registry.checkpoint_path(version))
    ]
    for original, copy in zip(*forecasts, strict=True):
        assert (original.mean == copy.mean).all()
        assert all((original.quantiles[level] == copy.quantiles[level]).all() for level in original.quantiles)


def test_a_copy_keeps_what_it_is_a_copy_of_and_the_same_files(registry: Registry, exported: bytes, checkpoint):
    registry.register("m", checkpoint)
    version = import_bundle(registry, exported).version
    assert (version.number, version.origin) == (2, Origin("m", 1, version.digest))
    assert version.report is not None
    assert (version.aliases, version.job_id, registry.version("m", 1).origin) == ((), None, None)
    files = {one.name: one.read_bytes() for one in registry.checkpoint_path(version).iterdir()}
    assert files.items() <= unpacked(exported).items()
    again = unpacked(b"".join(bundle(version, registry.checkpoint_path(version))))
    assert {name: again[name] for name in files} == files


def test_an_import_that_is_repeated_registers_once(registry: Registry, exported: bytes):
    first, again, elsewhere = (import_bundle(registry, exported, name=name) for name in (None, "m", "other"))
    assert (first.is_new, again.is_new, elsewhere.is_new) == (True, False, True)
    assert str(first.version) == str(again.version) == "m/1"
    assert str(elsewhere.version) == "other/1"
    registry.delete("m", 1)
    assert str(import_bundle(registry, exported).version) == "m/2"


def test_a_bundle_of_an_earlier_release_needs_a_name(registry: Registry, exported: bytes):
    files = unpacked(exported)
    del files["version.json"]
    with pytest.raises(BundleNameless):
        import_bundle(registry, packed(files))
    version = import_bundle(registry, packed(files), name="n").version
    assert version.origin == Origin(None, None, version.digest)
    with pytest.raises(NameInvalid):
        import_bundle(registry, packed(files), name="../n")


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc/evil", "sub/manifest.json", "evil.py", "manifest.json/", "./config.json"]
)
def test_a_file_of_any_other_name_is_refused_and_nothing_is_written(registry, exported, tmp_path, name):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BundleInvalid, match="which no bundle holds"):
        import_bundle(registry, packed(unpacked(exported) | {name: b"x"}))
    assert registry.models() == ()
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_only_plain_files_are_taken(registry, exported, kind):
    def entry(name: str) -> tarfile.TarInfo:
        head = tarfile.TarInfo(name)
        if name == "README.md":
            head.type, head.linkname = kind, "/etc/passwd"
        return head

    files = unpacked(exported) | {"README.md": b""}
    with pytest.raises(BundleInvalid):
        import_bundle(registry, packed(files, entry=entry))


def test_a_file_that_is_there_twice_or_missing_is_refused(registry, exported):
    files = unpacked(exported)
    with pytest.raises(BundleInvalid, match="twice"):
        import_bundle(registry, packed({"README.md": b"x"})[:1024] + packed(files))
    for name in ("manifest.json", "model.safetensors", "config.json", "validation.json"):
        with pytest.raises(BundleInvalid, match=f"{name} is missing"):
            import_bundle(registry, packed({one: raw for one, raw in files.items() if one != name}))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "validation.json", "manifest.json"])
def test_a_single_changed_byte_is_found_by_its_digest(registry, exported, name):
    files = unpacked(exported)
    raw = bytearray(files[name])
    # What a manifest says in words beside the digests is covered by none.
    raw[raw.index(b'"digest": "') + 11 if name == "manifest.json" else len(raw) // 2] ^= 1
    with pytest.raises(BundleInvalid):
        import_bundle(registry, packed(files | {name: bytes(raw)}))
    assert registry.models() == ()


def test_a_bundle_of_a_newer_release_is_refused_as_such(registry, exported):
    files = unpacked(exported)
    for name, fields in (("manifest.json", {"format_version": 2}), ("version.json", {"bundle_format": 2})):
        with pytest.raises(BundleFormatUnsupported, match="in format 2; this release reads format 1"):
            import_bundle(registry, packed(files | {name: edited(files[name], **fields)}))


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "../m"},
        {"name": 1},
        {"version": 0},
        {"version": "1"},
        {"digest": "x"},
        {"report": {"scores": 1}},
        {"report": 3},
    ],
)
def test_a_description_that_is_none_is_refused(registry, exported, fields):
    files = unpacked(exported)
    with pytest.raises(BundleInvalid, match=r"version.json (does not describe|belongs to another)"):
        import_bundle(registry, packed(files | {"version.json": edited(files["version.json"], **fields)}), name="m")


@pytest.mark.parametrize(
    "sizes", [{"state_size": 4096, "inflation": 256}, {"context_length": 100_000}, {"num_particles": 4096}]
)
def test_a_configuration_of_a_giant_network_costs_no_memory(registry, exported, sizes):
    files = unpacked(exported)
    wanted = edited(files["config.json"], **sizes)
    with pytest.raises(BundleInvalid, match="does not fit together"):
        import_bundle(registry, packed(forged(files, config=wanted)), name="m")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("config", {"freq": "never"}),
        ("config", {"freq": 7}),
        ("config", {"quantile_levels": [0.1, 0.5, 1.5]}),
        ("config", {"quantile_levels": [0.5, 0.4, 0.6]}),
        ("config", {"quantile_levels": "median"}),
        ("config", {"horizon": 10**9}),
        ("config", {"unknown": 1}),
        ("validation", {"block_length": 10**9}),
        ("validation", {"block_length": 2.5}),
        ("validation", {"block_length": "6"}),
        ("validation", {"calibration": None}),
        ("validation", {"calibration": {"bucket_length": 6, "widenings": [[1.0]], "summary": {}}}),
    ],
)
def test_values_that_no_training_writes_are_refused_though_their_hashes_agree(registry, exported, name, fields):
    files = unpacked(exported)
    raw = files["config.json" if name == "config" else "validation.json"]
    with pytest.raises(BundleInvalid):
        import_bundle(registry, packed(forged(files, **{name: edited(raw, **fields)})), name="m")


def test_weights_of_other_names_are_refused(registry, exported):
    files = unpacked(exported)
    weights = load(files["model.safetensors"]) | {"extra": torch.zeros(1)}
    with pytest.raises(BundleInvalid, match="does not fit together"):
        import_bundle(registry, packed(forged(files, weights=save(weights))), name="m")


@pytest.mark.parametrize("nested", [b"[" * 200_000, b'{"format_version": 1}', b"[]", b"\xff", b"1" * 10_000])
def test_json_that_is_none_is_refused(registry, exported, nested):
    for name in ("manifest.json", "version.json"):
        with pytest.raises(BundleError):
            import_bundle(registry, packed(unpacked(exported) | {name: nested}), name="m")


@hypothesis.given(data=strategies.data())
@hypothesis.settings(
    max_examples=60,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow],
)
def test_no_damage_makes_an_import_fail_in_another_way(registry, exported, data):
    damaged = bytearray(exported)
    for _ in range(data.draw(strategies.integers(1, 6))):
        damaged[data.draw(strategies.integers(0, len(damaged) - 1))] = data.draw(strategies.integers(0, 255))
    cut = data.draw(strategies.integers(0, len(damaged)))
    for content in (bytes(damaged), bytes(damaged[:cut])):
        try:
            import_bundle(registry, content, name="m")
        except BundleError:
            continue
        assert Checkpoint.load(registry.checkpoint_path(registry.version("m", 1)))


def test_a_bundle_travels_over_http_with_its_origin_on_record(client: Client, exported: bytes):
    taken = client.post("/v1/models/import?name=copy", content=exported, headers=TAR)
    assert taken.status_code == 201, taken.text
    assert taken.headers["location"] == "/v1/models/copy/versions/1"
    shown = client.get("/v1/models/copy/versions/1").json()
    assert shown["imported_from"] == {"name": "m", "version": 1, "digest": shown["digest"]}
    assert (shown["training_job"], shown["aliases"]) == (None, [])
    again = client.post("/v1/models/import?name=copy", content=exported, headers=TAR)
    assert (again.status_code, again.headers["location"]) == (200, taken.headers["location"])
    entries = client.get("/v1/audit-log").json()["data"]
    assert [(one["action"], one["subject"], one["details"]["origin"]) for one in entries] == [
        ("version.imported", "/v1/models/copy/versions/1", "m/1")
    ]
    assert client.get("/v1/models/copy/versions/1/bundle").status_code == 200


def test_a_bundle_that_is_refused_is_a_problem_with_a_reason(settings: Settings, exported: bytes):
    files = unpacked(exported)
    newer = packed(files | {"manifest.json": edited(files["manifest.json"], format_version=2)})
    with serve(replace(settings, max_body_bytes=len(exported) + 20_000)) as client:
        for content, headers, status, code in (
            (b"", TAR, 422, "bundle_invalid"),
            (exported[:5000], TAR, 422, "bundle_invalid"),
            (gzip.compress(exported), TAR, 422, "bundle_invalid"),
            (newer, TAR, 422, "bundle_format_unsupported"),
            (exported, {"content-type": "application/zip"}, 415, "media_type_unsupported"),
            (exported + b"\0" * 30_000, TAR, 413, "body_too_large"),
        ):
            refused = client.post("/v1/models/import", content=content, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
        assert client.get("/v1/audit-log").json()["data"] == []
        assert client.get("/v1/models").json()["data"] == []


def test_a_bundle_that_is_compressed_says_so_to_be_taken_in(registry: Registry, client: Client, exported: bytes):
    with pytest.raises(BundleInvalid, match="it is compressed"):
        import_bundle(registry, gzip.compress(exported))
    headers = TAR | {"content-encoding": "gzip"}
    taken = client.post("/v1/models/import", content=gzip.compress(exported), headers=headers)
    assert taken.status_code == 201, taken.text


def test_the_report_of_a_copy_is_the_one_that_came_with_it(registry: Registry, exported: bytes):
    said = json.loads(unpacked(exported)["version.json"])
    version = import_bundle(registry, exported).version
    assert json.loads(json.dumps(asdict(version.report))) == said["report"]

"""What is packed is the same JSON again, and not much longer than its numbers."""

from dataclasses import dataclass

import numpy as np
import orjson
from hypothesis import given
from hypothesis import strategies as st

from app.stores.packed_json import is_packed, pack, unpack

numbers = st.lists(st.floats(width=64), max_size=5).map(lambda found: np.array(found, dtype=np.float64))
plain = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=5)
keys = st.text(max_size=3).filter(lambda text: text != "$")
values = st.recursive(
    plain | numbers,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


@dataclass(frozen=True)
class Body:
    """As answers are."""

    item_id: str
    quantiles: dict[str, np.ndarray]
    samples: list[np.ndarray]


def written(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY)


@given(values)
def test_what_was_packed_is_the_same_json_again(value):
    packed = pack(value)
    assert is_packed(packed)
    assert unpack(packed) == written(value)


def test_rows_and_columns_that_two_places_share_are_kept_once():
    paths = np.random.default_rng(0).normal(size=(4, 1000))
    body = Body("a", {"0.1": paths[0], "0.9": paths[1]}, list(paths[:, ::2]))
    again = [body, {"lower": body.quantiles["0.1"], "upper": body.quantiles["0.9"]}]
    packed = pack(again)
    assert unpack(packed) == written(
        [body.__dict__ | {"samples": [np.ascontiguousarray(one) for one in body.samples]}, again[1]]
    )
    assert len(packed) < 8 * (2000 + 4 * 500) + 400

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.negotiation import preferred

OFFERED = ("application/json", "text/csv", "application/vnd.apache.parquet")


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("*/*", "application/json"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV; charset=utf-8", "text/csv"),
        ("text/*", "text/csv"),
        ("text/csv, application/json", "application/json"),
        ("text/csv;q=0.5, application/json;q=0.4", "text/csv"),
        ("application/*;q=0.2, application/json;q=0", "application/vnd.apache.parquet"),
        ("*/*;q=0.1, text/csv;q=0.2", "text/csv"),
        ("text/html, */*; q=0.01", "application/json"),
        ("text/csv;q=2, application/json;q=x", None),
        ("text/html", None),
        ("*/*;q=0", None),
        (";;,,=", None),
    ],
)
def test_the_highest_quality_wins_and_of_equals_the_first_offered(header, chosen):
    assert preferred(header, OFFERED) == chosen


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("gzip", "gzip"),
        ("gzip, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("identity", "identity"),
        ("br", "identity"),
        ("br, identity;q=0", None),
        ("*", "zstd"),
        ("gzip;q=0", "identity"),
        ("identity;q=0.5, gzip;q=0.2", "identity"),
    ],
)
def test_an_encoding_is_used_only_if_it_is_wanted_more_than_none(header, chosen):
    assert preferred(header, ("zstd", "gzip", "identity")) == chosen


@given(st.text(max_size=200))
def test_any_header_gives_an_offer_or_none(header):
    assert preferred(header, OFFERED) in (*OFFERED, None)

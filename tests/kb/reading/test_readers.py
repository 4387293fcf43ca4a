"""The readers of what comes from outside: within bounds, in one line, and only from files that are files."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.errors import UsageError
from kb.reading.json_stream import stream_items
from kb.reading.json_text import read_json
from kb.reading.regular_file import read_regular, read_text
from kb.reading.unreadable import Unreadable
from kb.reading.xml_text import read_xml, require_plain_xml
from kb.reading.yaml_text import read_yaml
from tests.support.fuzzing.doors import LAUGHS

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(VALUES)
def test_what_is_json_is_read_as_it_was_written(value: Any) -> None:
    assert read_json(json.dumps(value), exact=True) == value
    assert list(stream_items(io.BytesIO(json.dumps([value]).encode()), "item")) == [value]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 100_000, "more than 64 deep"),
        ("[" * 65 + "]" * 65, "more than 64 deep"),
        ("9" * 5_000, "a number of 5,000 digits"),
        ("{", "Expecting"),
        (b"\xff", "not UTF-8"),
        ('{"a": 1, "a": 2}', "'a' stands twice"),
    ],
)
def test_json_beyond_a_bound_is_told(text: str | bytes, told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        read_json(text)


@pytest.mark.parametrize(("text", "told"), [("[NaN]", "NaN"), ('"\\ud800"', "half a letter")])
def test_what_readers_take_in_several_ways_is_refused_where_it_is_carried_out(text: str, told: str) -> None:
    read_json(text)
    with pytest.raises(Unreadable, match=told):
        read_json(text, exact=True)


@pytest.mark.parametrize("text", [b"[" * 100_000, b"[1, 2", b"[" + b"9" * 5_000 + b"]", b"[[" + b'{"a":' * 70])
def test_a_stream_of_json_beyond_a_bound_is_told(text: bytes) -> None:
    with pytest.raises(Unreadable):
        list(stream_items(io.BytesIO(text), "item"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 1_000, "line 1: .*more than 64 deep"),
        (LAUGHS.decode(), "its references make more than"),
        ("a: &a [*a]", "leads to what it stands in"),
        ("a: 1\nb: " + "9" * 5_000, "line 2: .*5,000 digits"),
        ("a: 1\na: 2", "line 2: .*'a' stands there twice"),
        ("a: 2001-99-99", "line 1: .*month"),
        ("a: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
    ],
)
def test_yaml_beyond_a_bound_is_told_by_its_line(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=f"x.yaml.*{told}"):
        read_yaml(text, "x.yaml")


@pytest.mark.parametrize("encoding", ["nonsense", "hex", "rot13", "ut0-8", "zlib"])
def test_xml_of_an_encoding_that_nobody_knows_is_told(encoding: str, tmp_path: Path) -> None:
    data = f'<?xml version="1.0" encoding="{encoding}"?><a/>'.encode()
    (tmp_path / "a.rdf").write_bytes(data)
    with pytest.raises(Unreadable):
        read_xml(data)
    with pytest.raises(UsageError, match=r"a\.rdf is no XML"):
        require_plain_xml(tmp_path / "a.rdf")


def test_what_is_no_file_is_not_read_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "device.txt").symlink_to("/dev/zero")
    for name, told in (("pipe.txt", "a pipe"), ("device.txt", "a device")):
        with pytest.raises(OSError, match=f"not a file but {told}"):
            read_regular(tmp_path / name, 10)
        with pytest.raises(UsageError, match=f"{name} cannot be read: not a file"):
            read_text(tmp_path / name)


def test_no_more_of_a_file_is_read_than_may_be(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * 100)
    assert len(read_regular(tmp_path / "a.txt", 10)) == 11
    with pytest.raises(UsageError, match="more than 10 bytes"):
        read_text(tmp_path / "a.txt", most=10)

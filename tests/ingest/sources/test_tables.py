"""Tables read fast while they are sound are read as those that are read with care."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources.tables import TableFile

PIECES = ["a", "1", ",", ",", "\n", "\n", "\r\n", '"', '""', '"x,y"', '"x\ny"', " ", "é", "\r", ";"]


def batches(file: TableFile) -> tuple[list[tuple[int, int, tuple[str, ...]]], list[tuple[str, str]]]:
    """The rows with where they stand, and what is no row."""
    rows, broken = [], []
    for batch in file:
        rows += list(zip(batch.rows, batch.lines, zip(*batch.columns.values(), strict=True), strict=True))
        broken += batch.broken
    return rows, broken


@settings(deadline=None, max_examples=200)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=40), latin=st.booleans())
def test_the_fast_way_gives_what_the_careful_one_does(pieces: list[str], latin: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(b"x,y\n" + "".join(pieces).encode("latin-1" if latin else "utf-8"))
        file = TableFile(path)
        file.names  # noqa: B018  (the header is read first)
        careful = ([], [])
        for batch in file._with_care(0):
            careful[0].extend(zip(batch.rows, batch.lines, zip(*batch.columns.values(), strict=True), strict=True))
            careful[1].extend(batch.broken)
        assert batches(file) == careful


def test_a_damaged_archive_is_told_and_what_was_read_before_is_not_lost(tmp_path: Path) -> None:
    import pytest

    from kb.errors import ClearKbError

    data = gzip.compress(b"x,y\n" + b"1,2\n" * 50_000)
    (tmp_path / "t.csv.gz").write_bytes(data[: len(data) // 2])
    with pytest.raises(ClearKbError, match="is damaged after line"):
        batches(TableFile(tmp_path / "t.csv.gz"))

"""CLIP's tokens: those of OpenAI's tokenizer, from merges in any of their files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from encoder.release.clip_tokenizer import byte_letters, clip_tokenizer, merges_file
from kb.errors import ClearKbError, UsageError
from tests.support.clip_merges import END, MERGES, START, written


@pytest.fixture
def merges(tmp_path: Path) -> Path:
    return written(tmp_path / "merges.txt", MERGES)


def test_tokens_are_clips(merges: Path) -> None:
    tokenizer = clip_tokenizer(merges, 520, 16)
    letters = byte_letters()
    number = {letter: at for at, letter in enumerate(letters)}
    assert sorted(letters) == sorted(set(letters)) and number["!"] == 0 and number["a"] == 64
    ends = {letter: at + 256 for letter, at in number.items()}
    assert tokenizer.encode("  LUNG \n no").ids == [START, 514, 515, END]
    assert tokenizer.encode("eff's").ids == [START, 516, ends["f"], number["'"], ends["s"], END]
    assert tokenizer.encode("effu").ids == [START, 517, ends["u"], END]
    assert tokenizer.encode("12").ids == [START, ends["1"], ends["2"], END]
    assert tokenizer.encode("é").ids == tokenizer.encode("e\u0301").ids == [START, number["Ã"], ends["©"], END]
    assert tokenizer.encode("").ids == [START, END]


def test_merges_are_read_plain_and_packed_with_either_header(tmp_path: Path, merges: Path) -> None:
    lines = ['"bpe_simple_vocab_16e6.txt#version: 0.2', *MERGES, "more than", "are needed", ""]
    packed = tmp_path / "bpe.txt.gz"
    packed.write_bytes(gzip.compress("\n".join(lines).encode()))
    plain = clip_tokenizer(merges, 520, 16).to_str()
    assert clip_tokenizer(packed, 520, 16).to_str() == plain
    with pytest.raises(UsageError, match="6 merges, the weights are of a tokenizer with 7"):
        clip_tokenizer(merges, 521, 16)
    with pytest.raises(UsageError, match="do not build on each other"):
        clip_tokenizer(written(tmp_path / "loose.txt", ["lu ng"]), 515, 16)
    packed.write_bytes(b"\x1f\x8bbroken")
    with pytest.raises(ClearKbError, match="cannot be read as merges"):
        clip_tokenizer(packed, 520, 16)


def test_merges_are_found_in_open_clip_and_never_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("encoder.release.clip_tokenizer.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install --no-deps open_clip_torch.*Hugging Face hub"):
        merges_file()
    with pytest.raises(UsageError, match="there is no file"):
        merges_file(tmp_path / "nothing.txt")
    monkeypatch.undo()
    package = tmp_path / "open_clip"
    package.mkdir()
    (package / "__init__.py").write_text("raise AssertionError('it was imported')")
    (package / "bpe_simple_vocab_16e6.txt.gz").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert merges_file() == package / "bpe_simple_vocab_16e6.txt.gz"

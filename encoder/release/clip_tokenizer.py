"""CLIP's byte-pair tokens from its file of merges, as OpenAI's tokenizer makes them.

OpenAI's also repairs broken encodings (ftfy) and resolves HTML entities (`&amp;`) before anything else. Both are left
out: reports that have been ingested hold neither.
"""

from __future__ import annotations

import gzip
import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from encoder.model.text_tower import END, START
from kb.errors import ClearKbError, UsageError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MERGES_FILE = "bpe_simple_vocab_16e6.txt.gz"
PACKAGES = ("open_clip", "clip")
"""Packages that carry the file."""

GZIP = b"\x1f\x8b"
BYTES = 256
END_OF_WORD = "</w>"
WORDS = r"""<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"""
"""What OpenAI's tokenizer takes for a word."""


def merges_file(given: Path | None = None) -> Path:
    """The file of merges: the one that is given, or the one that an installed package carries.

    Raises:
        UsageError: there is none.
    """
    if given is not None:
        if not given.is_file():
            raise UsageError(f"there is no file {given}")
        return given
    for package in PACKAGES:
        # The package is found, not imported: it would bring torchvision and timm.
        spec = find_spec(package)
        if spec and spec.origin and (path := Path(spec.origin).with_name(MERGES_FILE)).is_file():
            return path
    raise UsageError(
        f"the merges of CLIP's tokens are not here: `pip install --no-deps open_clip_torch` brings {MERGES_FILE}, "
        "or name that file, or a merges.txt of CLIP on the Hugging Face hub",
        parameter="merges",
    )


def clip_tokenizer(merges: Path, vocabulary: int, context: int) -> Tokenizer:
    """CLIP's tokenizer of `vocabulary` tokens: lower case, a start and an end, at most `context` tokens with them.

    Raises:
        UsageError: the file holds no merges, or too few of them.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    pairs = _pairs(merges, vocabulary - 2 * BYTES - 2)
    letters = byte_letters()
    words = [*letters, *(letter + END_OF_WORD for letter in letters), *map("".join, pairs), START, END]
    numbers = {word: number for number, word in enumerate(words)}
    try:
        model = models.BPE(vocab=numbers, merges=pairs, unk_token=END, end_of_word_suffix=END_OF_WORD)
    except Exception as error:  # tokenizers raises no class of its own
        raise UsageError(f"{merges} holds merges that do not build on each other: {error}") from error
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    split = pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True)
    as_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, as_bytes])
    tokenizer.add_special_tokens([START, END])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(token, numbers[token]) for token in (START, END)]
    )
    tokenizer.enable_truncation(context)
    return tokenizer


def byte_letters() -> list[str]:
    """A letter for every byte, in the order of CLIP's tokens: those that print first, as themselves."""
    printing = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return [chr(byte) for byte in printing] + [chr(BYTES + number) for number in range(BYTES - len(printing))]


def _pairs(path: Path, wanted: int) -> list[tuple[str, str]]:
    lines = _text(path).split("\n")
    if "#version" in lines[0]:
        lines = lines[1:]
    pairs = [(words[0], words[1]) for line in lines if len(words := line.split()) == 2][: max(wanted, 0)]
    if wanted < 0 or len(pairs) < wanted:
        raise UsageError(f"{path} holds {len(pairs):,} merges, the weights are of a tokenizer with {wanted:,}")
    return pairs


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if raw.startswith(GZIP) else raw).decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ClearKbError(f"{path} cannot be read as merges, plain or gzip: {error}") from error

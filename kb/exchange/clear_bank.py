"""The published CLEAR bank: `mimic_concepts.csv` (concept_idx, concept) and one tensor of their embeddings.

The order of the published rows depends on a hash seed, so `concept_idx`, and nothing else, says which row of the
tensor is whose. Every concept keeps its number in `source`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from kb.errors import UsageError
from kb.exchange.incoming import Incoming
from kb.reading.spreadsheet import read_sheet
from kb.reading.tensor_file import read_tensors
from kb.reading.unreadable import Unreadable
from kb.vectors.embedding import EmbedderInfo
from kb.vectors.embedding.embedder import FILE_SCHEME, UNKNOWN_REVISION
from kb.vocabulary.records import Record

PUBLISHED_NAME = "Salesforce/SFR-Embedding-Mistral"
PUBLISHED_DIMENSION = 4096
PUBLISHED_PROMPT = "Instruct: Retrieve radiological observations that mean the same\nQuery: "
"""The model wants its queries, not its documents, with a task before them (its model card)."""

PUBLISHED_SPACE = 768
"""The numbers of a vector in the published encoder's own space, which images and texts share. Who used the released
tensor found rows of this length in it, whatever its name says: the text tower's, and no LLM's."""

COLUMNS = ("concept_idx", "concept")
ROWS = 8_192
LET_GO = 64 << 20
"""Bytes that are read before the file is mapped anew."""


LENGTHS = (0.99, 1.01)
"""Vectors between these lengths are of length 1, rounded."""


def clear_bank(
    concepts: Path,
    embeddings: Path | None,
    embedder: str | None = None,
    *,
    query_prompt: str | None = None,
    verbatim: bool = False,
) -> Incoming:
    """The published bank as something to import: facets are read from the texts, vectors from the tensor.

    Args:
        concepts: the CSV file.
        embeddings: the file of the tensor, (rows, dimension); read with `weights_only`, mapped into memory. None: the
            concepts come without vectors.
        embedder: the model that the tensor is of; default: the published one, where the dimension is its own.
        query_prompt: what stands before a query to that model; default: that of the published one.
        verbatim: each text is a concept of its own, as it stands; else texts that say the same are one.

    Raises:
        UsageError: a file is not there or not what it should be, or the two do not fit together.
    """
    indices = list(_indices(concepts))
    if embeddings is None:
        return Incoming(concepts.name, lambda: _records(concepts, len(indices), set()), verbatim=verbatim)
    tensor = MappedTensor(embeddings)
    rows = len(tensor)
    if len(indices) != rows:
        raise UsageError(f"{concepts} has {len(indices):,} concepts, {embeddings} {rows:,} vectors")
    info = _info(tensor, embedder, query_prompt)
    lengths = tensor.lengths()
    unusable = set(np.flatnonzero(~_usable(lengths)).tolist())
    return Incoming(
        concepts.name,
        lambda: _records(concepts, rows, unusable),
        info,
        lambda: TensorVectors(info, tensor, indices),
        verbatim=verbatim,
        notes=_of_lengths(lengths[_usable(lengths)]),
    )


class MappedTensor:
    """The rows of a tensor in a file, mapped into memory; what was read is let go after a while."""

    def __init__(self, path: Path):
        self.path = path
        self._tensor = _read_tensor(path)
        self._read = 0

    def __len__(self) -> int:
        return len(self._tensor)

    @property
    def dimension(self) -> int:
        """How many numbers a row has."""
        return int(self._tensor.shape[1])

    def rows(self, numbers: Sequence[int]) -> Any:
        """The rows with these numbers, float32."""
        import torch

        found = self._tensor[torch.tensor(list(numbers), dtype=torch.long)].float()
        self._read += found.numel() * self._tensor.element_size()
        if self._read > LET_GO:
            # Pages that were touched count as memory in use until the mapping ends.
            self._tensor, self._read = _read_tensor(self.path), 0
        return found

    def lengths(self) -> np.ndarray:
        """The length of every row, (rows,), float32."""
        parts = (range(start, min(start + ROWS, len(self))) for start in range(0, len(self), ROWS))
        found = [self.rows(part).norm(dim=1).numpy() for part in parts]
        return np.concatenate(found) if found else np.zeros(0, dtype=np.float32)


@dataclass
class TensorVectors:
    """The rows of a tensor, by the numbers of the records whose `concept_idx` they stand at."""

    info: EmbedderInfo
    tensor: MappedTensor
    indices: Sequence[int | None]

    def take(self, numbers: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """The vectors of the records with these numbers, all of them there; see `importing.Vectors`."""
        import torch

        wanted = [index for number in numbers if (index := self.indices[number - 1]) is not None]
        unit = torch.nn.functional.normalize(self.tensor.rows(wanted), dim=1).numpy()
        return unit, np.ones(len(numbers), dtype=bool)


def _usable(lengths: np.ndarray) -> np.ndarray:
    """Which rows are vectors: neither zero nor not finite."""
    usable: np.ndarray = np.isfinite(lengths) & (lengths > 0)
    return usable


def _of_lengths(lengths: np.ndarray) -> tuple[str, ...]:
    if not len(lengths) or (LENGTHS[0] <= lengths.min() and lengths.max() <= LENGTHS[1]):
        return ()
    return (
        f"the vectors have lengths from {lengths.min():.3g} to {lengths.max():.3g} and are stored with length 1: the "
        "published code multiplies them as they are",
    )


def _records(path: Path, rows: int, unusable: set[int]) -> Iterator[Record]:
    met: set[int] = set()
    for index, text in _lines(path):
        number = _number(index)
        if number is None or not 0 <= number < rows:
            yield {"unreadable": f"concept_idx '{index}' is no row of the tensor"}
        elif number in met:
            yield {"unreadable": f"concept_idx {number} stands in the file twice"}
        elif number in unusable:
            yield {"unreadable": f"the vector of concept_idx {number} is zero or not finite"}
        else:
            met.add(number)
            yield {"text": text, "source": f"{path.name}#{number}"}


def _indices(path: Path) -> Iterator[int | None]:
    for index, _ in _lines(path):
        yield _number(index)


def _number(index: str) -> int | None:
    return int(index) if index.isascii() and index.isdigit() and len(index) < 19 else None


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    sheet = read_sheet(path, separators=",")
    if missing := [name for name in COLUMNS if name not in sheet.columns]:
        raise UsageError(f"{path} has no column {', '.join(missing)}: concept_idx and concept are needed")
    return ((row["concept_idx"], row["concept"]) for _, row in sheet.records())


def _read_tensor(path: Path) -> Any:
    import torch

    try:
        tensor = read_tensors(path)
    except Unreadable as error:
        raise UsageError(f"{path} is no file of one tensor that can be read safely: {error}") from error
    if not isinstance(tensor, torch.Tensor) or tensor.ndim != 2 or not tensor.is_floating_point():
        what = f"a tensor of shape {tuple(tensor.shape)}" if isinstance(tensor, torch.Tensor) else type(tensor).__name__
        raise UsageError(f"{path} holds {what}: one tensor of numbers, (concepts, dimension), was expected")
    return tensor.detach()


def _info(tensor: MappedTensor, name: str | None, query_prompt: str | None) -> EmbedderInfo:
    rows, dimension = len(tensor), tensor.dimension
    if name is None and dimension == PUBLISHED_SPACE:
        raise UsageError(
            f"{tensor.path} has {dimension} numbers a row, as the published encoder's own text vectors have: the "
            "projection needs embeddings of a language model. Import without vectors and embed the concepts, or name "
            "the model that made these",
            parameter="tensor",
        )
    if name is None and dimension == PUBLISHED_DIMENSION:
        name = PUBLISHED_NAME
    if name is not None:
        prompt = query_prompt if query_prompt is not None else (PUBLISHED_PROMPT if name == PUBLISHED_NAME else "")
        dtype = "bfloat16" if name == PUBLISHED_NAME else "float32"
        return EmbedderInfo(name=name, revision=UNKNOWN_REVISION, dimension=dimension, query_prompt=prompt, dtype=dtype)
    some = tensor.rows(sorted({0, rows // 2, rows - 1})) if rows else tensor.rows([])
    revision = blake2b(some.numpy().tobytes(), digest_size=16).hexdigest()
    return EmbedderInfo(name=f"{FILE_SCHEME}{tensor.path.name}", revision=revision, dimension=dimension)

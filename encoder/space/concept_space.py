"""The vocabulary at one commit in the space of one encoder: what scores, projections and explanations are read from.

    space/v.../         one for each vocabulary; the last two are kept
      concepts.arrow    ids, texts and findings of the concepts, in one order
      vectors.npy       C (N, d), float32, mapped into memory
      projector.*       P = E^T C
      gram.npy          G = C^T C (d, d)

All of it is made in one pass over the vocabulary, kept beside the checkpoint, and follows a commit that changes a few
concepts without looking at the others.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from platformdirs import user_cache_path

from encoder.model.checkpoint import Checkpoint
from encoder.space.concept_matrices import iter_concepts
from encoder.space.projection import Projector, build_projector, follow
from encoder.space.text_side import TextSide
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.progress import Silent, Watcher
from kb.store.sqltext import literals
from schemas.terms import IN_USE

FOLDER, CONCEPTS, VECTORS, GRAM, INVERSE = "space", "concepts.arrow", "vectors.npy", "gram.npy", "gram_inverse.npy"
FAINT = 1e-3
"""Directions in which concepts spread less than this share of the widest one count as none: what they would carry is
numbers that cancel each other, and no explanation."""

MOST_ALIGNMENTS = 8
"""Sets of directions whose alignments are kept: a run has one."""

KEPT = 2
"""Spaces that are kept beside a checkpoint, of as many vocabularies."""

COLUMNS = ["concept_id", "text", "assertion", "finding"]


@dataclass(frozen=True, eq=False)
class ConceptSpace:
    """The concepts in use at a commit, in an encoder's space.

    Attributes:
        folder: where it is kept.
        concepts: an Arrow table with `concept_id, text, assertion, finding`, N rows.
        vectors: C, (N, d), float32, rows of length 1.
        projector: P, with what it was made of.
        gram: G = C^T C, (d, d), float64.
    """

    folder: Path
    concepts: pa.Table
    vectors: np.ndarray
    projector: Projector
    gram: np.ndarray

    def __len__(self) -> int:
        return self.concepts.num_rows

    def scores(self, vector: np.ndarray) -> np.ndarray:
        """How much each concept is in an image of this vector (d): s = C f, (N,), float32."""
        found: np.ndarray = self.vectors @ np.asarray(vector, dtype=np.float32)
        return found

    def place(self, concept_id: str) -> int:
        """The row of a concept; UsageError if it is not in use at this commit."""
        place = pc.index(self.concepts["concept_id"], concept_id).as_py()
        if place < 0:
            raise UsageError(f"concept {concept_id} is not in use at commit {self.projector.facts.commit}")
        return int(place)

    def dual(self, weights: np.ndarray) -> np.ndarray:
        """What each concept's score counts in <f, w> = sum_i s_i <c_i, G^-1 w>, for w of the concepts' span: (N,)."""
        return self.scores(self.gram_inverse @ weights)

    @cached_property
    def gram_inverse(self) -> np.ndarray:
        """The pseudo-inverse of G, kept beside it: directions that no concept has stay out of it."""
        path = self.folder / INVERSE
        kept = read_array(path)
        if kept is None:
            kept = np.linalg.pinv(self.gram, rcond=FAINT, hermitian=True)
            write_array(path, kept)
        return kept

    def alignments(self, kb: KnowledgeBase, weights: np.ndarray) -> np.ndarray:
        """<e_i, w> of every concept with some directions of the LLM space, (D, k): (N, k), float32.

        The embeddings are read once for one set of directions and the answer is kept, for they are what is large.
        """
        key = blake2b(np.ascontiguousarray(weights).tobytes(), digest_size=8).hexdigest()
        path = self.folder / f"alignments-{key}.npy"
        kept = read_array(path, mapped=True)
        if kept is not None and kept.shape == (len(self), weights.shape[1]):
            return kept
        wanted = np.ascontiguousarray(weights, dtype=np.float32)
        found = np.concatenate([chunk.embeddings @ wanted for chunk in iter_concepts(kb, _NoTextSide())])
        older = sorted(self.folder.glob("alignments-*.npy"), key=lambda file: file.stat().st_mtime)
        for stale in older[: -(MOST_ALIGNMENTS - 1)]:
            stale.unlink(missing_ok=True)
        write_array(path, found)
        return found

    def save(self, folder: Path) -> None:
        """Write it to a folder that is nobody's yet."""
        with pa.OSFile(str(folder / CONCEPTS), "wb") as file, pa.ipc.new_file(file, self.concepts.schema) as to:
            to.write_table(self.concepts)
        np.save(folder / VECTORS, self.vectors)
        np.save(folder / GRAM, self.gram)
        self.projector.save(folder)


class _NoTextSide:
    """For a pass in which only the embeddings are wanted."""

    text_side_id = ""

    def concept_vectors(self, texts: Sequence[str], embeddings: np.ndarray) -> np.ndarray:
        return embeddings[:, :0]


def open_space(kb: KnowledgeBase, checkpoint: Checkpoint, watcher: Watcher | None = None) -> ConceptSpace:
    """The concept space of an encoder at the commit of `kb`: as it is kept, brought up to the commit, or made anew.

    Raises:
        UsageError: nothing is embedded, or the encoder was trained against another embedder.
        EmbeddingError: a concept in use has no embedding; the message names it.
    """
    _check_embedder(kb, checkpoint)
    text_side, place = checkpoint.text_side, _place(checkpoint)
    target = place / _key(kb, text_side)
    if (found := _read(target)) is not None:
        return found
    shutil.rmtree(target, ignore_errors=True)  # what cannot be read is made anew
    older = [space for space in _all_kept(place) if _is_of(space.projector, kb, text_side)]
    made = _followed(older[0], kb, text_side) if older else _built(kb, text_side, watcher or Silent())
    return _kept(made, target)


def _place(checkpoint: Checkpoint) -> Path:
    """Where the spaces of a checkpoint are kept: beside it or, if nobody may write there, in the user's cache."""
    for place in (checkpoint.folder / FOLDER, user_cache_path("clear-kb") / checkpoint.encoder_id):
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(place, os.W_OK):
            return place
    raise ClearKbError(f"neither {checkpoint.folder} nor the user's cache can be written to")


def _key(kb: KnowledgeBase, text_side: TextSide) -> str:
    """The name of a vocabulary in a text side's space: of the commit that made its concepts what they are.

    A commit's id tells two copies of a knowledge base apart once they differ; a version number would not.
    """
    version, made_by = kb.commit.pins["concepts"], kb.commit.commit_id
    for commit in kb.log():
        if commit.pins["concepts"] != version:
            break
        made_by = commit.commit_id
    said = f"{made_by} {kb.require_embedder().embedder_id} {text_side.text_side_id}"
    return "v" + blake2b(said.encode(), digest_size=8).hexdigest()


def _kept(made: ConceptSpace, target: Path) -> ConceptSpace:
    """A space as it stands in its folder: written aside and moved there whole, so that nobody reads half of one."""
    fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix="new-"))
    try:
        made.save(fresh)
        fresh.rename(target)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        if not target.is_dir():  # else another process was quicker, with the same
            raise
    _forget_others(target)
    found = _read(target)
    if found is None:
        raise ClearKbError(f"{target} cannot be read: remove it")
    return found


def _check_embedder(kb: KnowledgeBase, checkpoint: Checkpoint) -> None:
    info, needed = kb.require_embedder(), checkpoint.facts.embedder
    if needed is not None and needed != info.embedder_id:
        raise UsageError(
            f"the encoder in {checkpoint.folder} was trained against embedder {needed}, and {kb.uri} is embedded by "
            f"{info.embedder_id} ({info.name}): embed with the one it knows, or train again",
            need="other embedder",
        )


def _is_of(projector: Projector, kb: KnowledgeBase, text_side: TextSide) -> bool:
    """Whether a space can be followed to the commit of `kb`: of its embedder and encoder, and of its own history."""
    facts = projector.facts
    if (facts.embedder, facts.text_side) != (kb.require_embedder().embedder_id, text_side.text_side_id):
        return False
    try:
        kb.at(facts.commit)
    except UsageError:
        return False
    return True


def _all_kept(folder: Path) -> list[ConceptSpace]:
    """The spaces beside a checkpoint that can be read, the last made first."""
    folders = sorted(folder.glob("v*"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [space for path in folders if (space := _read(path)) is not None]


def _forget_others(target: Path) -> None:
    """Keep the space just made and the one made before it: a vocabulary of the bank's size takes a gigabyte."""
    others = sorted((path for path in target.parent.glob("v*") if path != target), key=lambda p: p.stat().st_mtime)
    for path in others[: -(KEPT - 1)]:
        shutil.rmtree(path, ignore_errors=True)


def _read(folder: Path) -> ConceptSpace | None:
    try:
        with pa.memory_map(str(folder / CONCEPTS)) as file:
            concepts = pa.ipc.open_file(file).read_all()
        vectors = np.load(folder / VECTORS, mmap_mode="r", allow_pickle=False)
        gram = np.load(folder / GRAM, allow_pickle=False)
        projector = Projector.load(folder)
    except (OSError, EOFError, ValueError, ClearKbError):
        return None  # it can always be made anew
    whole = len(vectors) == concepts.num_rows == projector.facts.concepts
    return ConceptSpace(folder, concepts, vectors, projector, gram) if whole else None


def _built(kb: KnowledgeBase, text_side: TextSide, watcher: Watcher) -> ConceptSpace:
    concepts = _concept_table(kb)
    watcher.stage("concepts", concepts.num_rows)
    vectors = np.empty((0, 0), dtype=np.float32)
    done = 0

    def keep(chunk: Any) -> None:
        nonlocal done, vectors
        if not done:
            vectors = np.empty((concepts.num_rows, chunk.vectors.shape[1]), dtype=np.float32)
        vectors[done : done + len(chunk.vectors)] = chunk.vectors
        done += len(chunk.concept_ids)
        watcher.advance(done, done)

    projector = build_projector(kb, text_side, keep)
    return ConceptSpace(Path(), concepts, vectors, projector, _gram(vectors))


def _followed(kept: ConceptSpace, kb: KnowledgeBase, text_side: TextSide) -> ConceptSpace:
    """The space at a later commit: the vectors of concepts whose texts are the same are taken over."""
    concepts = _concept_table(kb)
    old = list(zip(kept.concepts["concept_id"].to_pylist(), kept.concepts["text"].to_pylist(), strict=True))
    places = {pair: place for place, pair in enumerate(old)}
    now = list(zip(concepts["concept_id"].to_pylist(), concepts["text"].to_pylist(), strict=True))
    from_old = np.array([places.get(pair, -1) for pair in now])
    vectors = np.empty((len(now), kept.vectors.shape[1]), dtype=np.float32)
    known = from_old >= 0
    vectors[known] = kept.vectors[from_old[known]]
    new_places = {now[place][0]: place for place in np.flatnonzero(~known)}
    for chunk in iter_concepts(kb, text_side, list(new_places)) if new_places else ():
        vectors[[new_places[concept_id] for concept_id in chunk.concept_ids]] = chunk.vectors
    gone = np.ones(len(old), dtype=bool)
    gone[from_old[known]] = False
    gram = kept.gram - _gram(kept.vectors[gone]) + _gram(vectors[~known])
    return ConceptSpace(Path(), concepts, vectors, follow(kept.projector, kb, text_side), gram)


def _concept_table(kb: KnowledgeBase) -> pa.Table:
    """The concepts in use, in the order in which the vocabulary is read."""
    return kb.dataset("concepts").to_table(columns=COLUMNS, filter=f"status IN {literals(IN_USE)}").select(COLUMNS)


def _gram(vectors: np.ndarray) -> np.ndarray:
    total = np.zeros((vectors.shape[1], vectors.shape[1]))
    for start in range(0, len(vectors), 65_536):
        part = vectors[start : start + 65_536].astype(np.float64)
        total += part.T @ part
    return total


def write_array(path: Path, array: np.ndarray) -> None:
    """Write an array as .npy, whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npy", delete=False) as file:
        np.save(file, array)
    Path(file.name).replace(path)


def read_array(path: Path, *, mapped: bool = False) -> np.ndarray | None:
    """An array that `write_array` wrote; None if there is none that can be read."""
    try:
        found: np.ndarray = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except (OSError, EOFError, ValueError):
        return None
    return found

"""The vocabulary at one commit in the space of one encoder: what scores, projections and explanations are read from.

    space/v.../         one for each vocabulary; the last two are kept
      concepts.arrow    ids, texts and findings of the concepts, in one order
      vectors.npy       C (N, d), float32, mapped into memory
      projector-W.*     P = E^T diag(w) C, for each weighting W that was asked for
      gram.npy          G = C^T C (d, d), in which each concept counts once

All of it is made in one pass over the vocabulary, kept beside the checkpoint, and follows a commit that changes a few
concepts without looking at the others. Another weighting takes a pass over the embeddings when it is first asked for.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from encoder.model.checkpoint import Checkpoint
from encoder.space.array_file import read_array, write_array
from encoder.space.concept_matrices import check_embedded, concept_table, iter_concepts
from encoder.space.known_texts import KnownTextSide, NoTextSide, RememberingTextSide
from encoder.space.projection import Projector, build_projector, follow
from encoder.space.space_folders import folders_in, forget_others, key_of, place_of
from encoder.space.text_side import TextSide, TransformerTextSide
from encoder.space.weighting import Weighting, default_weighting, weights_of
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.progress import Silent, Watcher

CONCEPTS, VECTORS, GRAM, INVERSE = "concepts.arrow", "vectors.npy", "gram.npy", "gram_inverse.npy"
FAINT = 1e-3
"""Directions in which concepts spread less than this share of the widest one count as none: what they would carry is
numbers that cancel each other, and no explanation."""

MOST_ALIGNMENTS = 8
"""Sets of directions whose alignments are kept: a run has one."""


@dataclass(frozen=True, eq=False)
class ConceptSpace:
    """The concepts in use at a commit, in an encoder's space.

    Attributes:
        folder: where it is kept.
        concepts: an Arrow table with `concept_id, text, assertion, finding`, N rows.
        vectors: C, (N, d), float32, rows of length 1.
        projector: P, with what it was made of, the weighting of the concepts among it.
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

    @cached_property
    def weights(self) -> np.ndarray:
        """How much each concept counts in the LLM space, (N,), float64; in the encoder's own each counts once."""
        return weights_of(self.concepts, self.projector.facts.weighting)

    def alignments(self, kb: KnowledgeBase, directions: np.ndarray) -> np.ndarray:
        """What a concept's score counts along directions w of the LLM space, (D, k): w_i <e_i, w>, (N, k), float32."""
        counted: np.ndarray = self._aligned(kb, directions) * self.weights.astype(np.float32)[:, None]
        return counted

    def _aligned(self, kb: KnowledgeBase, directions: np.ndarray) -> np.ndarray:
        """<e_i, w>, whatever the weighting: the embeddings are large, and read once for one set of directions."""
        key = blake2b(np.ascontiguousarray(directions).tobytes(), digest_size=8).hexdigest()
        path = self.folder / f"alignments-{key}.npy"
        kept = read_array(path, mapped=True)
        if kept is not None and kept.shape == (len(self), directions.shape[1]):
            return kept
        wanted = np.ascontiguousarray(directions, dtype=np.float32)
        found = np.concatenate([chunk.embeddings @ wanted for chunk in iter_concepts(kb, NoTextSide())])
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


def open_space(
    kb: KnowledgeBase,
    checkpoint: Checkpoint,
    watcher: Watcher | None = None,
    *,
    weighting: Weighting | None = None,
) -> ConceptSpace:
    """The concept space of an encoder at the commit of `kb`: as it is kept, brought up to the commit, or made anew.

    Args:
        kb: the vocabulary.
        checkpoint: the encoder.
        watcher: hears how it goes.
        weighting: of the concepts in the LLM space; default: see `default_weighting`.

    Raises:
        UsageError: nothing is embedded, or the encoder was trained against another embedder.
        EmbeddingError: a concept in use has no embedding; the message names it.
    """
    _check_embedder(kb, checkpoint)
    wanted = weighting or default_weighting(checkpoint)
    text_side, place = checkpoint.text_side, place_of(checkpoint)
    target = place / key_of(kb, text_side)
    found = _read(target, wanted)
    if found is None:
        check_embedded(kb)
        shutil.rmtree(target, ignore_errors=True)  # what cannot be read is made anew
        kept = _all_kept(place, wanted)
        older = [space for space in kept if _is_of(space.projector, kb, text_side)]
        made = (
            _followed(older[0], kb, text_side)
            if older
            else _built(kb, _remembering(kept, text_side), wanted, watcher or Silent())
        )
        found = _kept(made, target)
    return found if found.projector.facts.weighting == wanted else _reweighted(found, kb, wanted)


def _remembering(kept: Sequence[ConceptSpace], text_side: TextSide) -> TextSide:
    """A text side that need not read again what a kept space has of it, whatever embedder that space was made with."""
    own = [space for space in kept if space.projector.facts.text_side == text_side.text_side_id]
    if not own or not isinstance(text_side, TransformerTextSide):
        return text_side
    pairs = (zip(space.concepts["text"].to_pylist(), np.asarray(space.vectors), strict=True) for space in own)
    return RememberingTextSide(text_side, dict(chain.from_iterable(pairs)))


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
    forget_others(target)
    found = _read(target, made.projector.facts.weighting)
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


def _all_kept(place: Path, wanted: Weighting) -> list[ConceptSpace]:
    """The spaces beside a checkpoint that can be read: those of the wanted weighting first, then the last made."""
    spaces = [space for path in folders_in(place) if (space := _read(path, wanted)) is not None]
    return sorted(spaces, key=lambda space: space.projector.facts.weighting != wanted)


def _read(folder: Path, wanted: Weighting) -> ConceptSpace | None:
    """A space as it is kept: of the wanted weighting or, if it has no projector of that, of another."""
    for weighting in sorted(get_args(Weighting), key=lambda known: known != wanted):
        try:
            with pa.memory_map(str(folder / CONCEPTS)) as file:
                concepts = pa.ipc.open_file(file).read_all()
            vectors = np.load(folder / VECTORS, mmap_mode="r", allow_pickle=False)
            gram = np.load(folder / GRAM, allow_pickle=False)
            projector = Projector.load(folder, weighting, expect={"weighting": weighting})
        except (OSError, EOFError, ValueError, ClearKbError):
            continue  # it can always be made anew
        if len(vectors) == concepts.num_rows == projector.facts.concepts:
            return ConceptSpace(folder, concepts, vectors, projector, gram)
    return None


def _reweighted(space: ConceptSpace, kb: KnowledgeBase, weighting: Weighting) -> ConceptSpace:
    """A kept space with the projector of another weighting, which is kept beside the one that it has."""
    vectors_of = dict(zip(space.concepts["text"].to_pylist(), np.asarray(space.vectors), strict=True))
    known = KnownTextSide(space.projector.facts.text_side, vectors_of)
    projector = build_projector(kb, known, weighting)
    projector.save(space.folder)
    return replace(space, projector=projector)


def _built(kb: KnowledgeBase, text_side: TextSide, weighting: Weighting, watcher: Watcher) -> ConceptSpace:
    concepts = concept_table(kb)
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

    projector = build_projector(kb, text_side, weighting, also=keep)
    return ConceptSpace(Path(), concepts, vectors, projector, _gram(vectors))


def _followed(kept: ConceptSpace, kb: KnowledgeBase, text_side: TextSide) -> ConceptSpace:
    """The space at a later commit: the vectors of concepts whose texts are the same are taken over."""
    concepts = concept_table(kb)
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
    vectors_of = dict(zip((text for _, text in [*old, *now]), chain(np.asarray(kept.vectors), vectors), strict=True))
    projector = follow(kept.projector, kb, KnownTextSide(text_side.text_side_id, vectors_of))
    return ConceptSpace(Path(), concepts, vectors, projector, gram)


def _gram(vectors: np.ndarray) -> np.ndarray:
    total = np.zeros((vectors.shape[1], vectors.shape[1]))
    for start in range(0, len(vectors), 65_536):
        part = vectors[start : start + 65_536].astype(np.float64)
        total += part.T @ part
    return total

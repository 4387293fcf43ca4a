"""A patient forgotten: taken out of every table, cache, branch and tag, and out of every file that held them.

Rows that are deleted stay in the files of older versions, so each table is written anew for every state that people
can name, and what no such state names is dropped. Tags keep their names on cleaned copies; other old commits stay in
the log and can no longer be read. A mark is left while it goes on: forgetting that was killed is begun again, by
the same call, and comes to the same end.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kb.errors import ClearKbError, UsageError
from kb.privacy.exports import clean_exports
from kb.privacy.id_words import names
from kb.privacy.mentions import find_mentions, left_to_people
from kb.privacy.proof import Proof, prove
from kb.privacy.traces import Traces, find_traces
from kb.reading.json_text import read_json
from kb.reading.unreadable import Unreadable
from kb.store.branch_points import CLEANED_BASE, find_base
from kb.store.branches import Branch, create_branch, delete_branch, list_branches
from kb.store.commits import MAIN, Commit
from kb.store.gc import collect_garbage
from kb.store.publication import Publication, writer_lock
from kb.store.rewriting import written_anew
from kb.store.state import State
from kb.store.storage import PUT_ASIDE, STAGING
from schemas.tables import TABLES, VERSIONED

MARK = "forgetting.json"
OPERATION = "forget"
COPY = "forgetting-"
"""How the branches begin on which cleaned copies are made; none is left when it is done."""

WITHOUT_MARK = "take the file away, and forget the patient again if you know whom it was about"

NOT_REACHED = (
    "checkpoints, and runs that were trained or fitted on these images",
    "files that were exported, and audit pages (the log of exports lists them)",
    "backups and other copies: they hold the patient until they are brought up to date and pruned",
    "the sources that were ingested: the next ingest of them brings the patient back",
    "caches of this machine's users: audits and fitted directions in their cache folders",
)
"""Where a patient may be that no knowledge base can reach."""


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """What was taken out, and the proof that it is gone; nothing was where `dry_run` is set.

    Attributes:
        rows: taken out of each table of the newest state.
        concepts: that only the patient had: they are gone too.
        curated: concepts that only the patient had and a curator touched: they stay, for a person to look at.
        tags: that name a cleaned copy now.
        branches: that were cleaned.
        left_to_you: texts that stay and name the patient: notes, reasons, names of files. Only a person can tell.
        put_aside: files that repairs had put aside: all of them go, for their rows cannot be asked.
    """

    rows: Mapping[str, int]
    reports: int
    studies: int
    images: int
    concepts: tuple[str, ...]
    curated: tuple[str, ...]
    tags: tuple[str, ...]
    branches: tuple[str, ...]
    left_to_you: tuple[str, ...]
    put_aside: int
    dry_run: bool
    commit: str | None = None
    proof: Proof | None = None
    not_reached: tuple[str, ...] = NOT_REACHED

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data."""
        said = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**said, "rows": dict(self.rows), "proof": self.proof.to_dict() if self.proof else None}


def forget(
    state: State, patient_id: str, *, by: str | None = None, why: str | None = None, dry_run: bool = False
) -> Forgotten:
    """Take a patient out of a knowledge base; it stands on the newest commit of main afterwards.

    Args:
        state: of what.
        patient_id: as it is stored.
        by: who.
        why: the reason, for the log; it should not name the patient.
        dry_run: say what would go, and touch nothing.

    Raises:
        UsageError: nothing of the patient is stored.
        ClearKbError: an ingest is under way, or something of the patient was found after all.
    """
    if not patient_id.strip():
        raise UsageError("a patient's id was expected, and nothing was given", parameter="patient")
    if why is not None and names(why, patient_id):
        raise UsageError(
            "the reason names the patient, and would stay in the log: put it in other words", parameter="why"
        )
    state = state.at(MAIN)
    state.follow()
    under_way = unfinished(state)
    if under_way not in (None, patient_id):
        raise ClearKbError(
            "another patient is being forgotten: that was interrupted, and has to be finished first. "
            f"Forget the one whose id {_mark_file(state)} names"
        )
    traces = find_traces(state, patient_id)
    rows = _counted(state, traces)
    if not rows and not (traces.reports or traces.images or under_way):
        raise UsageError(f"nothing of a patient '{patient_id}' is stored in {state.uri}", parameter="patient")
    branches = [branch for branch in list_branches(state) if not branch.name.startswith(COPY)]
    mentions = find_mentions(state, traces)
    told = Forgotten(
        rows=rows,
        reports=len(traces.reports),
        studies=len(traces.studies),
        images=len(traces.images),
        concepts=tuple(sorted(traces.concepts.values())),
        curated=tuple(sorted(traces.curated.values())),
        tags=tuple(sorted(state.tags())),
        branches=tuple(branch.name for branch in branches),
        left_to_you=left_to_people(mentions, traces),
        put_aside=sum(path.is_file() for path in _put_aside(state)),
        dry_run=dry_run,
    )
    if dry_run:
        return told
    _mark(state, patient_id)
    _drop_journals(state)
    act: dict[str, Any] = {"by": by, "why": why}
    for name in [one for one in state.commits.branches() if one.startswith(COPY)]:
        delete_branch(state, name, **act)  # of a run that died
    for name, commit_id in sorted(state.tags().items()):
        commit = next(one for one in state.commits.all() if one.commit_id == commit_id)
        if commit.operation != OPERATION or state.commits.readable([commit]):
            state.commits.move_tag(name, _cleaned_copy(state, commit, traces, f"{COPY}{name}", act))
    for branch in branches:
        if branch.name in state.commits.branches():  # nobody has ended it meanwhile
            _clean_draft(state, branch, traces, act)
    _clean_beside_the_history(state, traces)
    state.publish(OPERATION, partial(_clean, traces=traces), **act)
    collect_garbage(state, keep=1, **act, unnamed=True)
    _drop_what_was_put_aside(state)
    proof = prove(state, traces, mentions)
    if proof.rows:
        raise ClearKbError(
            f"rows of the patient are still there: {', '.join(proof.rows[:5])}; "
            "end what else has the knowledge base open, and forget the patient again"
        )
    if state.storage.folder is not None:
        _mark_file(state).unlink(missing_ok=True)
    if proof.found:
        raise ClearKbError(
            f"no row of the patient is left, and yet {', '.join(proof.found[:5])}: "
            "no table leads to it, so look at these files by hand"
        )
    return Forgotten(
        **{name: getattr(told, name) for name in told.__dataclass_fields__ if name not in ("commit", "proof")},
        commit=state.commit.commit_id,
        proof=proof,
    )


def is_unfinished(state: State) -> bool:
    """Whether the forgetting of somebody was interrupted."""
    with suppress(PermissionError):  # who may not look at the work of writers reads all the same
        return state.storage.folder is not None and _mark_file(state).exists()
    return False


def unfinished(state: State) -> str | None:
    """The patient whose forgetting was interrupted, if there is one; ClearKbError if the mark of it is damaged."""
    if not is_unfinished(state):
        return None
    path = _mark_file(state)
    try:
        told = read_json(path.read_bytes())
    except Unreadable as error:
        raise ClearKbError(f"{path} is damaged: {error}; {WITHOUT_MARK}") from error
    if not isinstance(told, dict) or not isinstance(told.get("patient"), str):
        raise ClearKbError(f"{path} names no patient; {WITHOUT_MARK}")
    return str(told["patient"])


def _mark_file(state: State) -> Path:
    return Path(str(state.storage.folder)) / STAGING / MARK


def _mark(state: State, patient_id: str) -> None:
    if state.storage.folder is None:
        return
    path = _mark_file(state)
    path.parent.mkdir(exist_ok=True)
    new = path.with_suffix(".new")  # one that is cut off would be a mark of nobody
    new.write_text(json.dumps({"patient": patient_id}), encoding="utf-8")
    new.replace(path)


def _put_aside(state: State) -> list[Path]:
    return [] if state.storage.folder is None else list((state.storage.folder / PUT_ASIDE).rglob("*"))


def _drop_what_was_put_aside(state: State) -> None:
    if state.storage.folder is not None and (state.storage.folder / PUT_ASIDE).exists():
        shutil.rmtree(state.storage.folder / PUT_ASIDE)


def _counted(state: State, traces: Traces) -> dict[str, int]:
    counts = {}
    for table in TABLES:
        condition = traces.condition(table)
        if condition and state.storage.has(table.name) and (found := state.dataset(table.name).count_rows(condition)):
            counts[table.name] = found
    return counts


def _cleaned_copy(state: State, commit: Commit, traces: Traces, name: str, act: Mapping[str, Any]) -> Commit:
    """A commit with the state of another one, without the patient; its branch is ended again, the commit stays."""
    create_branch(state.at(commit.commit_id), name, **act)
    on = state.at(name)
    made, _ = on.publish(OPERATION, partial(_clean, traces=traces), **act)
    delete_branch(state, name, **act)
    return made or on.commit


def _clean_draft(state: State, branch: Branch, traces: Traces, act: Mapping[str, Any]) -> None:
    """Clean a draft by one commit on whatever is its newest; a merge compares it with a cleaned copy of its base."""
    base = _cleaned_copy(state, branch.base, traces, f"{COPY}{branch.name}", act)

    def change(publication: Publication) -> tuple[Mapping[str, Any], None]:
        now, _ = find_base(state.commits.history(), branch.name)
        if now.commit_id != branch.base.commit_id:
            raise ClearKbError(f"draft {branch.name} was merged meanwhile: forget the patient again")
        summary, _ = _clean(publication, traces)
        return {**summary, CLEANED_BASE: base.commit_id}, None

    state.at(branch.name).publish(OPERATION, change, **act)


def _clean(publication: Publication, traces: Traces) -> tuple[Mapping[str, Any], None]:
    """Write every table anew that could hold the patient."""
    for table in VERSIONED:
        condition = traces.condition(table)
        if condition is None:
            continue
        indexed = table.name == "concepts" and publication.dataset("concepts").describe_indices()
        publication.rewrite(table.name, condition)
        if indexed:
            publication.delete("vector_indexes", "true")
            publication.index_words("concepts", "text")
    return {"forgotten": "a patient"}, None


def _clean_beside_the_history(state: State, traces: Traces) -> None:
    """The caches that commits do not pin: pixels, properties of pixels, vectors of texts; and the log of exports."""
    with writer_lock(state.storage):
        for table in TABLES:
            condition = traces.condition(table)
            if not table.versioned and condition and state.storage.has(table.name):
                written_anew(state.storage.dataset(table.name), condition, state.storage.options)
        clean_exports(state, traces.ids)


def _drop_journals(state: State) -> None:
    """Interrupted ingests begin anew: their journals hold ids and concepts. One that is under way is not disturbed."""
    from filelock import FileLock, Timeout

    for journal in sorted(state.storage.staging.glob("*.sqlite")):
        try:
            with FileLock(journal.with_suffix(".lock"), timeout=0):
                for suffix in ("", "-wal", "-shm"):
                    Path(f"{journal}{suffix}").unlink(missing_ok=True)
        except Timeout as error:
            raise ClearKbError("an ingest is under way: wait for it, or stop it") from error

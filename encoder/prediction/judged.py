"""The parts of the rows that runs are judged on: what nothing here was trained on, external rows apart.

What was trained here is said by `kb.sql.trained_here`; what may be judged follows from it in `evaluate`, `validate`,
`predict` and all audits, and they ask this file.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from kb.errors import ClearKbError, UsageError
from kb.images.patient_split import lies_in
from kb.images.patients import Patients, read_patients
from kb.knowledge_base import KnowledgeBase
from kb.sql.trained_here import trained_here
from kb.sql.views import Views
from kb.store.sqltext import literals
from kb.vocabulary.query import run_named
from schemas.terms import ELSEWHERE

_LEARNED = ("train", "validation")


def judged_parts(kb: KnowledgeBase, names: Sequence[str], asked: str | None = None) -> tuple[str, ...]:
    """The parts of the rows that runs are judged on, each by itself: what was asked, else what nothing learned from.

    That is "test" where one of the runs was trained here, else "all"; where some of these rows are external, "internal"
    in place of "all", and "external" beside it, for the two are never one number.

    A table that tells later on whose images are may move images that a run learned from, or was chosen by, into the
    test or the external split: then nothing is judged on it.

    Raises:
        UsageError: such a split holds what a run, or its encoder, learned from; the message names the first image.
    """
    trained = trained_here(kb) & set(names)
    parts = _stored_parts(kb, names, asked or ("test" if trained else "all"), alone=asked not in (None, "all"))
    if {"test", "external"} & set(parts):
        columns = ["run", "encoder", "vocabulary_commit", "parameters"]
        rows = kb.dataset("runs").to_table(columns=columns, filter=f"run IN {literals(names)}").to_pylist()
        for row in rows:
            if row["run"] in trained or chosen_on(row["run"], json.loads(row["parameters"])) is not None:
                _refuse_moved(kb, row)
    return parts


def parts_of(splits: Collection[str | None], part: str) -> tuple[str, ...]:
    """A part and, where rows lie in these splits, the external ones beside it, as far as there are rows of either."""
    if "external" not in splits:
        return (part,)
    own = "internal" if part == "all" else part
    return (*([own] if any(lies_in(split, own) for split in splits) else []), "external")


def judged_split(kb: KnowledgeBase, names: Sequence[str], asked: str | None = None) -> str:
    """The one part that an audit of runs looks at: what was asked for, else the first of `judged_parts`."""
    return judged_parts(kb, names, asked)[0]


def _stored_parts(kb: KnowledgeBase, names: Sequence[str], part: str, *, alone: bool) -> tuple[str, ...]:
    """A part of the stored rows of runs and, unless it is to stand alone, the external ones beside it."""
    if alone or not read_patients(kb).has_external:
        return (part,)
    with Views(kb) as session:
        found = session.run(
            "SELECT DISTINCT split FROM outcomes WHERE run IN (SELECT unnest($runs))", {"runs": list(names)}
        )
        return parts_of({row["split"] for row in found.rows()}, part)


def _refuse_moved(kb: KnowledgeBase, run: Mapping[str, Any]) -> None:
    moved = moved_images(kb, run["encoder"], run["vocabulary_commit"]) if run["encoder"] else []
    if moved:
        now = read_patients(kb).split_of_image(moved[0])
        raise UsageError(
            f"run '{run['run']}' has learned from {len(moved):,} images that now lie in the {now} split (first: "
            f"{moved[0]}), for a table told since whose they are: train and predict anew, or judge all rows "
            "(split 'all')",
            parameter="split",
        )


def why_judged(kb: KnowledgeBase, names: Sequence[str], asked: str | None = None) -> list[str]:
    """Why runs are judged on the rows that they are judged on, and what that means, in sentences.

    Of tables alone nothing is said: that they learned from nothing here goes without saying.
    """
    encoders = _encoders(kb, names)
    trained = sorted(trained_here(kb) & set(names))
    others = sorted(set(names) - set(trained))
    if asked is not None or not encoders:
        return warnings(kb, names, asked)
    if not trained:
        why = f"judged on all rows: none of them taught {_listed(sorted(encoders))}, which came from elsewhere"
        return [why, *_unseen(kb, names)]
    alone = f"; {_listed(others)} learned from none here, and without the former all rows are judged" if others else ""
    return [f"judged on the test split: the training images taught {_listed(trained)}{alone}", *warnings(kb, names)]


def warnings(kb: KnowledgeBase, names: Sequence[str], asked: str | None = None) -> list[str]:
    """What is to be said of runs that have, or may have, learned from rows that they are judged on, in sentences.

    It may be so where another knowledge base trained an encoder: of these images it may know all or none. The test
    split is judged all the same, for where a split is drawn it is drawn alike everywhere. It may be so as well where
    the commit that a run was made at was dropped: whether its images have moved since cannot be looked at.
    """
    trained = sorted(trained_here(kb) & set(names))
    if trained and asked not in (None, "test", "external"):
        return [
            f"{_listed(trained)} learned from rows that are judged here (split '{asked}'): no figure of new patients"
        ]
    of = {encoder for run, encoder in _encoders(kb, names).items() if run in trained}
    rows = kb.dataset("encoders").to_table(columns=["encoder", "objective", "vocabulary_commit"]).to_pylist()
    strangers = [
        row["encoder"]
        for row in rows
        if row["encoder"] in of
        and row["objective"] not in ELSEWHERE
        and row["vocabulary_commit"] not in {None, *kb.commits.history().by_id}
    ]
    told = [
        f"{_listed(strangers)}: trained at a commit that is not here, so that nobody can say which of these images "
        "taught it; if no patient of its training is here, judge all rows (split 'all')"
    ]
    return [*(told if strangers else ()), *_unseen(kb, names)]


def _unseen(kb: KnowledgeBase, names: Sequence[str]) -> list[str]:
    """What could not be looked at of runs that have learned from images here: commits of ours whose data is gone."""
    trained, ours = trained_here(kb), kb.commits.history().by_id
    columns = ["run", "encoder", "vocabulary_commit", "parameters"]
    rows = kb.dataset("runs").to_table(columns=columns, filter=f"run IN {literals(names)}").to_pylist()
    learned = [
        row
        for row in rows
        if row["encoder"]
        and (row["run"] in trained or chosen_on(row["run"], json.loads(row["parameters"])) is not None)
    ]
    encoders = kb.dataset("encoders").to_table(columns=["encoder", "objective", "vocabulary_commit"]).to_pylist()
    taught = {row["encoder"]: row["vocabulary_commit"] for row in encoders if row["objective"] not in ELSEWHERE}
    made_at: dict[str, set[str]] = {}
    for row in learned:
        for commit in (row["vocabulary_commit"], taught.get(row["encoder"])):
            if commit in ours:
                made_at.setdefault(commit, set()).add(row["run"])
    return [
        f"{_listed(sorted(runs))}: the data of commit {commit}, which it learned from, cannot be read any more, so "
        "that nobody can say whether images that it learned from are judged here"
        for commit, runs in sorted(made_at.items(), key=lambda item: ours[item[0]])
        if _split_at(kb, commit) is None
    ]


def _encoders(kb: KnowledgeBase, names: Sequence[str]) -> dict[str, str]:
    """The encoder of each of some runs that has one."""
    rows = kb.dataset("runs").to_table(columns=["run", "encoder"], filter=f"run IN {literals(names)}").to_pylist()
    return {row["run"]: row["encoder"] for row in rows if row["encoder"]}


def _split_at(kb: KnowledgeBase, commit: str) -> tuple[KnowledgeBase, Patients] | None:
    """A commit and whose images lay in which split there; None if it is not here, or its data can no longer be read."""
    try:
        before = kb.at(commit)
        return before, read_patients(before)
    except ClearKbError:
        return None


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return f"{', '.join(names[:4])}{more}"


def chosen_on(name: str, parameters: Mapping[str, Any]) -> str | None:
    """What is to be said of a run where all rows are judged, though the validation images chose how it reads them."""
    measured = parameters.get("validation_auroc", {}).values()
    if not parameters.get("calibrated") and all(value is None for value in measured):
        return None
    return (
        f"{name}: the validation images, which are among these rows, chose its space, contrast or scale: "
        "the test split leaves them out"
    )


def moved_images(kb: KnowledgeBase, encoder: str, predicted_at: str | None = None) -> list[str]:
    """The images judged now that an encoder, or a run predicted at a commit, learned from in an earlier split.

    Commits that are not here or cannot be read are not looked at: `warnings` tells of them.
    """
    where = f"encoder IN {literals([encoder])}"
    known = (
        kb.dataset("encoders").to_table(columns=["vocabulary_commit"], filter=where)["vocabulary_commit"].to_pylist()
    )
    now = read_patients(kb)
    moved: set[str] = set()
    for commit in {*known, predicted_at} - {None, kb.commit.commit_id}:
        if (split := _split_at(kb, commit)) is None:
            continue
        before, then = split
        found = {
            image
            for image in then.pictured & now.pictured
            if then.split_of_image(image) in _LEARNED and now.split_of_image(image) not in _LEARNED
        }
        if found and commit in known and commit != predicted_at:
            # An encoder learns from reports alone: a site without any taught it nothing, whatever its split was.
            found &= {row["image_id"] for row in run_named(before, "image_reports")}
        moved |= found
    return sorted(moved)

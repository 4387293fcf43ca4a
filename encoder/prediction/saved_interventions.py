"""Interventions under a name: what a reader set in a bottleneck, kept among the parameters of its run.

One says of which run, of which image (or of all), and which concept is set to what; what the predictions become is
computed when it is asked for. Each is saved as one commit, by a named author.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from encoder.model.checkpoint import Checkpoint
from encoder.prediction.intervention import Interventions, bottlenecks_of, set_concepts
from encoder.prediction.runs import Run, read_run
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.commits import default_author
from kb.store.publication import Publication
from kb.store.sqltext import literals
from schemas.tables import RUNS

KEY = "interventions"
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedIntervention:
    """What was set, under a name.

    Attributes:
        name: what it is called, once in its run.
        values: the standardised score that each concept is set to, by its id: 0 is what the mean training image has.
        texts: what these concepts are called.
        labels: these only; none: all that a set concept counts for.
        image: of this image; None: of all.
        by: who saved it.
        time: when, as ISO 8601 in UTC.
    """

    name: str
    values: Mapping[str, float]
    texts: Mapping[str, str]
    labels: tuple[str, ...]
    image: str | None
    by: str
    time: str

    def in_words(self) -> str:
        """What is set to what: "right effusion = +0.0, chest tube = -1.25"."""
        return ", ".join(f"{self.texts[one]} = {_signed(value)}" for one, value in self.values.items())


def _signed(value: float) -> str:
    """A value with its sign, to a tenth at the least: "+0.0", "-1.25"."""
    return f"{value:+.1f}" if round(value, 1) == value else f"{value:+}"


def saved_interventions(run: Run) -> list[SavedIntervention]:
    """The interventions that are saved of a run, by name."""
    return [
        SavedIntervention(**{**one, "labels": tuple(one["labels"])})
        for _, one in sorted(run.parameters.get(KEY, {}).items())
    ]


def find_saved(run: Run, name: str) -> SavedIntervention:
    """A saved intervention of a run; UsageError if there is none of that name."""
    saved = {one.name: one for one in saved_interventions(run)}
    if name not in saved:
        known = ", ".join(saved) or "none"
        raise UsageError(f"run '{run.name}' has no intervention '{name}': it has {known}")
    return saved[name]


def save_intervention(
    kb: KnowledgeBase,
    run: str,
    name: str,
    values: Mapping[str, float],
    *,
    labels: tuple[str, ...] = (),
    image: str | None = None,
    by: str | None = None,
    why: str | None = None,
    replace: bool = False,
) -> SavedIntervention:
    """Keep what was set in a bottleneck run, as one commit.

    Args:
        kb: where the run is; it stands on the new commit afterwards.
        run: its name.
        name: of the intervention.
        values: standardised scores by concept id.
        labels: these only; none: all that a set concept counts for.
        image: of this image; None: of all.
        by: who.
        why: the reason.
        replace: take the place of one of the same name.

    Raises:
        UsageError: the run is no bottleneck, nothing is set, a concept is none of its, or the name is taken or blank.
    """
    read = read_run(kb, run)
    texts = {concept.concept_id: concept.text for one in bottlenecks_of(read) for concept in one.concepts}
    _check(read, name, values, texts)
    made = SavedIntervention(
        name=" ".join(name.split()),
        values={one: float(value) for one, value in values.items()},
        texts={one: texts[one] for one in values},
        labels=tuple(read.head(label).label for label in labels),
        image=image,
        by=by or default_author(),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    where = f"run IN {literals([run])}"

    def change(publication: Publication) -> tuple[Mapping[str, Any], None]:
        (row,) = publication.dataset("runs").to_table(filter=where).to_pylist()
        parameters = json.loads(row["parameters"])
        known = parameters.setdefault(KEY, {})
        if made.name in known and not replace:
            raise UsageError(f"run '{run}' has an intervention '{made.name}' already: name this one otherwise")
        known[made.name] = asdict(made)
        kept = {**row, "parameters": json.dumps(parameters, ensure_ascii=False)}
        publication.replace("runs", where, [pa.RecordBatch.from_pylist([kept], schema=RUNS.schema)])
        return {"run": run, "intervention": made.name}, None

    kb.publish("intervention", change, by=by, why=why)
    return made


def apply_saved(kb: KnowledgeBase, checkpoint: Checkpoint, run: str, name: str) -> Interventions:
    """What the predictions of a run become by a saved intervention: as `set_concepts` tells it."""
    saved = find_saved(read_run(kb, run), name)
    images = None if saved.image is None else [saved.image]
    return set_concepts(kb, checkpoint, run, values=saved.values, image_ids=images, labels=saved.labels)


def _check(run: Run, name: str, values: Mapping[str, float], texts: Mapping[str, str]) -> None:
    if not name.strip() or len(name) > LONGEST_NAME:
        raise UsageError(f"an intervention needs a name of at most {LONGEST_NAME} letters")
    if not values:
        raise UsageError("nothing is set: an intervention sets a concept at least")
    if unknown := [one for one in values if one not in texts]:
        raise UsageError(f"no bottleneck of run '{run.name}' has the concept {unknown[0]}")

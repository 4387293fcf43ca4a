"""The knowledge base that is killed at, and the commands that write to it."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ingest
from kb.knowledge_base import KnowledgeBase
from tests.support.mined import TOLD, concept_id
from tests.support.radiographs import chest, encoded
from tests.support.small_models import tiny_sentence_transformer

MORE = (
    ("A new chest tube on the right. No pneumothorax.", "Right chest tube."),
    ("Moderate right pleural effusion with calcified granuloma.", "Pleural effusion."),
)
EFFUSION = concept_id("left pleural effusion")
FRACTURE = concept_id("left rib fracture")
NONE = concept_id("no pneumothorax")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One writing command.

    Attributes:
        name: what the counts call it.
        command: its arguments; `{kb}` and `{files}` stand for the knowledge base and the folder beside it.
        on_new: whether it makes the knowledge base itself.
        done: the exit codes of the same command once its work is done.
    """

    name: str
    command: Sequence[str]
    on_new: bool = False
    done: tuple[int, ...] = (0,)

    def arguments(self, folder: Path) -> list[str]:
        """The command in a folder that `prepare` made."""
        told = [one.format(kb=folder / "killed.kb", files=folder) for one in self.command]
        return [*told, "--kb", str(folder / "killed.kb")]


QUIET = ("--quiet", "--workers", "1")
SCENARIOS = (
    Scenario("init", ("init",), on_new=True, done=(2,)),
    Scenario("ingest reports", ("ingest", "reports", "{files}/more.csv", "--no-embed", *QUIET)),
    Scenario("ingest reports, embedded", ("ingest", "reports", "{files}/more.csv", *QUIET)),
    Scenario(
        "ingest reports, a new knowledge base", ("ingest", "reports", "{files}/more.csv", *QUIET, "--no-embed"), True
    ),
    Scenario("ingest images", ("ingest", "images", "{files}/pictures", "--size", "32", *QUIET)),
    Scenario("ingest labels", ("ingest", "labels", "{files}/labels.csv", "--quiet")),
    Scenario("ingest predictions", ("ingest", "predictions", "{files}/scores.csv", "--run", "other", "--quiet")),
    Scenario("embed", ("embed", "--model", "{files}/other-model", "--quiet")),
    Scenario("vocab note", ("vocab", "note", EFFUSION, "seen")),
    Scenario("vocab accept", ("vocab", "accept", EFFUSION, FRACTURE)),
    Scenario("vocab reject", ("vocab", "reject", FRACTURE)),
    Scenario("vocab rename", ("vocab", "rename", FRACTURE, "fracture of a left rib")),
    Scenario("vocab retire", ("vocab", "retire", NONE)),
    Scenario("vocab add", ("vocab", "add", "left basilar consolidation"), done=(0, 1, 2)),
    Scenario("vocab import", ("vocab", "import", "{files}/bank.csv")),
    Scenario("vocab apply", ("vocab", "apply", "{files}/patch.json"), done=(0, 1)),
    Scenario("tag", ("tag", "v2")),
    Scenario("branch create", ("branch", "create", "second"), done=(2,)),
    Scenario("branch merge", ("branch", "merge", "draft")),
    Scenario("branch delete", ("branch", "delete", "draft"), done=(2,)),
    Scenario("restore", ("restore", "v1")),
    Scenario("gc", ("gc",)),
    Scenario("gc --keep 2", ("gc", "--keep", "2")),
)


def prepare(folder: str) -> str:
    """Make the knowledge base and the files beside it in `folder`; its address."""
    files = Path(folder)
    files.mkdir(parents=True, exist_ok=True)
    model = tiny_sentence_transformer(files / "model", dimension=16, seed=0)
    tiny_sentence_transformer(files / "other-model", dimension=16, seed=1)
    _write_reports(files / "reports.csv", TOLD, 1)
    _write_reports(files / "more.csv", MORE, 1 + len(TOLD))
    (files / "pictures").mkdir()
    for number in range(4):
        picture = encoded(chest(40 + number, 48), "PNG")
        (files / "pictures" / f"i{number}.png").write_bytes(picture)
    (files / "labels.csv").write_text("image_id,Effusion\ni0,1\ni1,0\n")
    (files / "scores.csv").write_text("image_id,Effusion\ni0,0.9\ni1,0.2\n")
    (files / "bank.csv").write_text("text\nright apical scarring\nleft hilar mass\n")
    base = KnowledgeBase.create(files / "killed.kb", by="tester")
    ingest.reports(base, [files / "reports.csv"], embedder=str(model), workers=1, by="tester")
    for number in range(2):
        shutil.copy(files / "pictures" / f"i{number}.png", files / f"i{number}.png")
    ingest.images(base, [files / "i0.png", files / "i1.png"], size=32, workers=1, by="tester")
    ingest.labels(base, files / "labels.csv", source="first", by="tester")
    ingest.predictions(base, files / "scores.csv", "run", by="tester")
    base.tag("v1", by="tester")
    for number in range(9):
        base.curate.set_note(EFFUSION, note=f"note {number}", by="tester")
    before = base.commit.commit_id
    base.curate.accept(NONE, by="tester")
    (files / "patch.json").write_text(json.dumps(base.diff(before, base.commit.commit_id).to_patch()))
    base.restore(before, by="tester")
    _draft(base)
    return base.uri


def _draft(base: KnowledgeBase) -> None:
    from kb.store.branches import create_branch

    create_branch(base, "draft", by="tester")
    base.at("draft").curate.reject(FRACTURE, by="tester")


def _write_reports(path: Path, told: Sequence[tuple[str, str]], first: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["report_id", "study_id", "patient_id", "findings", "impression"])
        for number, sections in enumerate(told, first):
            writer.writerow([f"r{number}", f"s{number}", f"p{number}", *sections])

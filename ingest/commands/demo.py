"""`clear-kb demo`: the main job on a synthetic study that the project draws itself, command by command."""

from __future__ import annotations

import csv
import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from ingest.demo import write_phantom_study
from kb.commands.console import SafeConsole
from kb.commands.options import Format
from kb.commands.output import print_rows
from kb.errors import ClearKbError, UsageError

MARKER = "demo.txt"
"""What says that a folder is a demo's, which the next demo may take away."""

ENCODERS = {
    "concepts": (),
    "report": ("--objective", "report"),
    "plain": ("--objective", "report", "--set", "equal_texts_are_negatives=true"),
}
"""The encoders of the story and how each is trained; the last is the plain image-text baseline."""

ENOUGH = 600
"""Images from which on there are enough of each label to predict, explain and audit one."""


def demo_command(
    folder: Annotated[Path, typer.Option("--folder", help="Where the study and its knowledge base go.")] = Path("demo"),
    images: Annotated[
        int,
        typer.Option(
            "--images",
            min=40,
            help=f"How many phantoms, each with a report; under {ENOUGH}, the story ends with the encoders.",
        ),
    ] = 2000,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Of each training.")] = 16,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another study.")] = 0,
    serve: Annotated[
        bool | None,
        typer.Option(
            "--serve/--no-serve",
            help="End in the workbench, with the address to open; unless told, where a person sits at a terminal.",
        ),
    ] = None,
) -> None:
    """Run the whole story on a synthetic study: offline, in some minutes on two cores, every command shown."""
    started = time.monotonic()
    opens = sys.stdin.isatty() and sys.stdout.isatty() if serve is None else serve
    _take_away(folder)
    study = write_phantom_study(folder / "study", images, seed, size=96)
    _tell(
        f"{study.image_count:,} chest X-rays of {study.patient_count:,} patients at three sites, drawn and reported by "
        f'the project itself: {study.folder}. At the site "harbor" a chest tube goes with most pneumothoraces.'
    )
    story = _Story(folder, folder / "demo.kb")
    story.mining()
    story.curation()
    story.training(epochs)
    if images < ENOUGH:
        _tell(
            f"{images} images are too few to judge a prediction by: `clear-kb demo --images {ENOUGH}` or more goes on."
        )
        story.workbench(opens=opens)
        return
    story.prediction()
    story.explanation()
    page = story.audit()
    minutes = (time.monotonic() - started) / 60
    _tell(f"The whole audit as a page: {page.resolve().as_uri()}")
    _tell(f"{minutes:.1f} minutes. Now yours: clear-kb ingest reports YOUR_REPORTS --kb your.kb   (all is in {folder})")
    story.workbench(opens=opens)


def _take_away(folder: Path) -> None:
    """Make the folder empty if an earlier demo made it; what is another's is not touched."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise UsageError(f"{folder} holds other files: name another folder with --folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARKER).write_text("Made by `clear-kb demo`, which takes all of this away when it is run again.\n")


class _Story:
    """The commands of the demo, each run as it is shown."""

    def __init__(self, folder: Path, kb: Path):
        self.folder, self.study, self.kb = folder, folder / "study", kb

    def mining(self) -> None:
        _tell("Reports go in; observations, concepts and their embeddings come out, as one commit.")
        self.run("ingest reports", [self.study / "reports.csv"])
        self.run("status")
        _tell('Search by meaning and by words; "no ..." asks for the absent one.')
        for query in ("collapsed lung", "no fluid around the lungs"):
            self.run("vocab search", [query, "--k", 3])
        _tell("One concept, with the report sentences behind it.")
        found = self.asked("vocab list", ["--assertion", "present", "--limit", 1])[0]["concept_id"]
        self.run("vocab show", [found, "--evidence", 3])

    def curation(self) -> None:
        """What a curator does: name a state, merge what is the same, see what changed, release it."""
        _tell("A curator names this state, and looks at what may be the same; every act can be undone.")
        self.run("tag", ["mined"])
        self.run("vocab suggest", ["duplicates", "--limit", 5])
        found = self.asked("vocab suggest", ["duplicates", "--limit", 1])
        for pair in found:
            self.run("vocab merge", [pair["other_id"], "--into", pair["concept_id"], "--why", pair["reason"]])
            self.run("vocab diff", ["mined"])
        _tell("`vocab review` walks through all of them with the keyboard. It goes out as CSV, SKOS, SSSOM, ...")
        self.run("vocab export", [self.folder / "vocabulary.ttl"])

    def training(self, epochs: int) -> None:
        _tell("Images go in, with their patients; so do the labels that predictions are judged by.")
        self.run("ingest images", ["--table", self.study / "images.csv", "--size", 96])
        self.run("ingest labels", [self.study / "labels.csv"])
        _tell(
            "An image encoder is trained against the concepts that the reports state; a second one against the report "
            "texts, as published; a third by the plain image-text loss, as a baseline."
        )
        for name, how in ENCODERS.items():
            self.run("train", ["--config", "cpu-demo", "--epochs", epochs, *how, "--out", self.folder / name])
        for name in ENCODERS:
            self.run("encode", ["--encoder", self.folder / name])

    def prediction(self) -> None:
        _tell("Labels are predicted from sentences alone; where they are read is chosen on the validation patients.")
        for name in ("concepts", "report"):
            self.run("predict zero-shot", ["--encoder", self.folder / name, "--run", f"{name}-zero-shot"])
        plain = ("--space", "encoder", "--contrast", "absent", "--run", "plain-zero-shot")
        self.run("predict zero-shot", ["--encoder", self.folder / "plain", *plain])
        _tell("With labels: a linear probe, and a bottleneck of a few named concepts that can be set by hand.")
        ours = ("--encoder", self.folder / "concepts")
        self.run("predict probe", [*ours, "--run", "probe"])
        self.run("predict bottleneck", [*ours, "--run", "bottleneck"])
        explained = ("pneumothorax", *ours, "--run", "bottleneck", "--concepts", "--top", 1, "--evidence", 0)
        concept = self.asked("explain", [_one_image(self.study, "pneumothorax"), *explained])["top"][0]["text"]
        by_hand = ("--label", "pneumothorax", "--set", f"{concept}=0")
        self.run("predict bottleneck", [*ours, "--run", "bottleneck", *by_hand])
        self._comparison()

    def _comparison(self) -> None:
        """The AUROC of all runs on the held-out patients, side by side."""
        runs = [f"{name}-zero-shot" for name in ENCODERS] + ["probe", "bottleneck"]
        chosen = [word for run in runs for word in ("--run", run)]
        _tell("On the patients that no encoder and no probe has seen (AUROC with its 95% interval):")
        stated = self.asked("evaluate", [*chosen], show=True)
        labels = list(dict.fromkeys(row["label"] for row in stated["rows"]))
        table: list[dict[str, Any]] = []
        for label in labels:
            found = {row["run"]: row for row in stated["rows"] if row["label"] == label}
            table.append({"label": label, **{run: _auroc(found.get(run)) for run in runs}})

        print_rows(table, list(table[0]), Format.table)

    def explanation(self) -> None:
        _tell(
            "One prediction, taken apart by finding, beside what its own report says; --concepts tells its exact sum."
        )
        image = _one_image(self.study, "pneumothorax")
        ours = ("--encoder", self.folder / "concepts")
        picture = self.folder / "pneumothorax.png"
        self.run(
            "explain", [image, "pneumothorax", *ours, "--run", "concepts-zero-shot", "--top", 6, "--heatmap", picture]
        )
        _tell("Images by a sentence, as a contact sheet.")
        sheet = self.folder / "effusions.png"
        self.run("images search", ["large pleural effusion", *ours, "--k", 8, "--sheet", sheet])
        self.run("log", ["--limit", 8])

    def audit(self) -> Path:
        """Why a model fails: SQL, the planted shortcut named with its proof, where another one fails, and a page."""
        _tell("Is it right for the right reasons? Every prediction beside what is true can be asked in SQL.")
        by_site = (
            "SELECT run, value AS site, n, positives, auroc FROM metrics_by(CASE WHEN split = 'test' THEN site END) "
            "WHERE label = 'pneumothorax' AND value IS NOT NULL AND run LIKE '%-zero-shot' ORDER BY run, site"
        )
        self.run("audit sql", [by_site])
        _tell(
            "What does it lean on that is not the disease? All concepts, findings of reports and attributes are tested "
            "at the same truth: the chest tube of harbor comes first, with what it does."
        )
        about = ("--run", "concepts-zero-shot", "--label", "pneumothorax")
        self.run("audit confounders", [*about, "--top", 5])
        _tell("And where does it fail at the threshold that all share? Every attribute and finding, and their pairs.")
        self.run("audit segments", about)
        _tell("What raises the logit of images without a pneumothorax where there is a tube?")
        tubes = "SELECT unit FROM truths WHERE level = 'image' AND name = 'chest tube' AND value = 1"
        mine = f"truth = 0 AND split = 'test' AND image_id IN ({tubes})"
        others = f"truth = 0 AND split = 'test' AND image_id NOT IN ({tubes})"
        self.run("audit attribution", [*about, "--where", mine, "--against", others, "--top", 4, "--evidence", 0])
        _tell("Where does the encoder of report texts fail? Images that look alike, and what they have in common.")
        self.run("audit slices", ["--run", "report-zero-shot", "--label", "pneumothorax"])
        page = self.folder / "audit.html"
        self.run("audit report", ["--run", "concepts-zero-shot", "--label", "pneumothorax", "-o", page])
        return page

    def workbench(self, *, opens: bool) -> None:
        """Its last command: the study in the browser, until Ctrl-C; or what to type for it."""
        if opens:
            _tell("Look around: the workbench shows all of this in the browser. Ctrl-C ends it.")
            with suppress(KeyboardInterrupt):  # it goes to both of us, and is how the story ends
                self.run("serve")
        else:
            _tell("Look around in the browser; this prints the address to open:")
            self._show("serve", ())

    def run(self, command: str, arguments: Sequence[object] = ()) -> None:
        """Show a command as one would type it, and run it."""
        self._show(command, arguments)
        done = subprocess.run(self._typed(command, arguments), check=False)
        self._check(done, command)

    def asked(self, command: str, arguments: Sequence[object] = (), *, show: bool = False) -> Any:
        """What a command says as JSON."""
        if show:
            self._show(command, arguments)
        typed = self._typed(command, [*arguments, "--format", "json"])
        done = subprocess.run(typed, check=False, stdout=subprocess.PIPE)
        self._check(done, command)
        return json.loads(done.stdout)

    def _words(self, command: str, arguments: Sequence[object]) -> list[str]:
        return [*command.split(), *map(str, arguments), "--kb", str(self.kb)]

    def _typed(self, command: str, arguments: Sequence[object]) -> list[str]:
        return [sys.executable, "-m", "cli", *self._words(command, arguments)]

    def _show(self, command: str, arguments: Sequence[object]) -> None:
        typed = shlex.join(["clear-kb", *self._words(command, arguments)])
        SafeConsole(highlight=False, soft_wrap=True).print(Text(f"\n$ {typed}", style="bold cyan"))
        sys.stdout.flush()

    def _check(self, done: subprocess.CompletedProcess[Any], command: str) -> None:
        if done.returncode == 130:
            raise KeyboardInterrupt
        if done.returncode:
            raise ClearKbError(f"the demo stopped: `clear-kb {command}` ended with {done.returncode}, see above")


def _auroc(row: dict[str, Any] | None) -> str:
    if row is None or row["auroc"] is None:
        return "-"
    return f"{row['auroc']:.3f} ({row['auroc_low']:.2f}-{row['auroc_high']:.2f})"


def _one_image(study: Path, label: str) -> str:
    """The first test image that has a label."""
    with (study / "images.csv").open(encoding="utf-8", newline="") as file:
        tested = {row["image"] for row in csv.DictReader(file) if row["split"] == "test"}
    with (study / "labels.csv").open(encoding="utf-8", newline="") as file:
        return next(row["image"] for row in csv.DictReader(file) if row["image"] in tested and row[label] == "1")


def _tell(text: str) -> None:
    SafeConsole(highlight=False).print(Text(f"\n{text}", style="italic"))
    sys.stdout.flush()

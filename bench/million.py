"""A million reports on one machine: what every command takes, and whether an ingest keeps its rate.

    python -m bench.million --folder FOLDER [--share 0.1] [--only status --only log]

makes the knowledge base in FOLDER (once; about 3 GB at the full size), and prints what each command takes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measure import Row, Taken, clear_kb, ratio_row, taken_by
from bench.million_base import Size, million_base
from ingest.demo import write_phantom_reports
from kb.knowledge_base import KnowledgeBase

MOST_MB = 4_000
"""What a command may take at its peak."""

LARGE, ROUNDS, NEW = "million.kb", 3, 20_000

SECOND = 1.0
"""What people wait for may take so long."""

ACT = 2.0
"""A commit may."""

LONG = ("--timeout", "3600")
"""How long a query takes is what is asked here."""

INGEST = ("ingest", "reports", "--no-embed", "--allow-unjoined")

READING: dict[str, tuple[tuple[str, ...], float | None]] = {
    "status": (("status",), SECOND),
    "log": (("log",), SECOND),
    "vocab search": (("vocab", "search", "pleural effusion", "-k", "5"), None),
    "vocab search, again": (("vocab", "search", "pleural effusion", "-k", "5"), SECOND),
    "vocab search --words": (("vocab", "search", "left effusion", "-k", "5", "--words"), SECOND),
    "vocab show": (("vocab", "show", "{most}"), None),
    "vocab show --evidence": (("vocab", "show", "{most}", "--evidence", "5"), None),
    "vocab list": (("vocab", "list", "--limit", "20"), None),
    "vocab stats": (("vocab", "stats"), None),
    "vocab wordings": (("vocab", "wordings", "--limit", "20"), None),
    "vocab diff": (("vocab", "diff", "HEAD~1", "HEAD"), None),
    "vocab suggest rare": (("vocab", "suggest", "rare"), None),
    "vocab export .csv": (("vocab", "export", "{out}/v.csv"), None),
    "vocab export .parquet": (("vocab", "export", "{out}/v.parquet"), None),
    "observations export": (("observations", "export", "-o", "/dev/null"), None),
    "check": (("check",), None),
    "embed, nothing to do": (("embed",), None),
    "audit queries": (("audit", "queries"), SECOND),
    "audit sql, count of predictions": (
        ("audit", "sql", *LONG, "SELECT run, label, count(*) FROM predictions GROUP BY ALL"),
        None,
    ),
    "audit sql, observations by concept": (
        (
            "audit",
            "sql",
            *LONG,
            "SELECT concept_id, count(*) AS n FROM observations GROUP BY ALL ORDER BY n DESC LIMIT 5",
        ),
        None,
    ),
    "audit sql, one study": (("audit", "sql", *LONG, "SELECT * FROM outcomes WHERE study_id = 's0000017'"), None),
    "audit run metrics": (("audit", "run", *LONG, "metrics", "--set", "label=Edema"), None),
    "audit run subgroup_gaps": (
        ("audit", "run", *LONG, "subgroup_gaps", "--set", "label=Edema", "--set", "by=site"),
        None,
    ),
    "audit run false_positives_by_concept": (
        ("audit", "run", *LONG, "false_positives_by_concept", "--set", "label=Edema"),
        None,
    ),
    "audit run worst_errors": (("audit", "run", *LONG, "worst_errors", "--set", "label=Edema"), None),
    "audit run unused_concepts": (("audit", "run", *LONG, "unused_concepts"), None),
    "evaluate": (("evaluate",), None),
}
"""The commands that read, and the seconds that they may take where that was said."""

WRITING: dict[str, tuple[tuple[str, ...], float | None]] = {
    "vocab note (an act)": (("vocab", "note", "{most}", "seen"), ACT),
    "vocab rename (an act that embeds)": (("vocab", "rename", "{most}", "left pleural effusion seen here"), None),
    "tag": (("tag", "v1"), ACT),
    "ingest reports, new ones": ((*INGEST, "{new}"), None),
    "ingest reports, the same again": ((*INGEST, "{new}"), None),
    "index": (("index",), None),
    "restore": (("restore", "HEAD~2"), ACT),
    "gc": (("gc",), None),
}
"""The commands that write, one after the other in a copy."""


def run() -> list[Row]:
    """Measure at the full size, in the folder for temporary files."""
    with tempfile.TemporaryDirectory(prefix="clear-kb-million-") as folder:
        return measure(Path(folder), 1.0)


def measure(folder: Path, share: float, only: Sequence[str] = ()) -> list[Row]:
    """What the commands take at a share of the full size; `only` some of them."""
    size = Size() * share
    base = million_base(folder / LARGE, size)
    words = _words(base, folder, share)
    rows = [] if only else [_storage(base, size)]
    rows += _commands(READING, folder / LARGE, words, only)
    with _copy(folder / LARGE) as copy:
        rows += _commands(WRITING, copy, words, only)
    if not only or "rate" in only:
        rows.append(_rate(folder, Path(words["new"])))
    return rows


def _words(base: KnowledgeBase, folder: Path, share: float) -> dict[str, str]:
    """What stands in the place of words in braces."""
    new = folder / "new.csv"
    write_phantom_reports(new, round(NEW * max(share, 0.1)), seed=5)
    (most,) = base.vocabulary.list(limit=1)
    return {"most": most["concept_id"], "out": str(folder), "new": str(new)}


def _commands(
    commands: dict[str, tuple[tuple[str, ...], float | None]], kb: Path, words: dict[str, str], only: Sequence[str]
) -> Iterator[Row]:
    for name, (arguments, limit) in commands.items():
        if only and name not in only:
            continue
        told = [word.format(**words) if "{" in word else word for word in arguments]
        try:
            of = () if told[:2] == ["audit", "queries"] else ("--kb", str(kb))  # it is of no knowledge base
            row = _row(name, limit, taken_by(clear_kb(*told, *of)))
        except RuntimeError as error:  # the others are still worth knowing
            row = Row(name, "failed", "", str(error).splitlines()[-1])
        print(f"{name}: {row.value}, {row.spread}", file=sys.stderr)
        yield row


def _row(name: str, limit: float | None, taken: Taken) -> Row:
    allowed = f"{MOST_MB / 1000:.0f} GB" if limit is None else f"{limit:.0f} s on the clock, {MOST_MB / 1000:.0f} GB"
    return Row(
        name,
        f"{taken.cpu_s:.1f} s of processor time, {taken.peak_mb:,.0f} MB",
        f"{taken.wall_s:.1f} s on the clock",
        f"at most {allowed}",
        number=taken.cpu_s,
        better="lower",
    )


def _storage(base: KnowledgeBase, size: Size) -> Row:
    folder = base.storage.folder
    assert folder is not None

    def bytes_of(*tables: str) -> int:
        found = (path for table in tables for path in Path(base.storage.location(table)).rglob("*") if path.is_file())
        return sum(path.stat().st_size for path in found)

    reports, concepts = bytes_of("reports", "observations"), bytes_of("concepts")
    return Row(
        f"storage of {size.reports:,} reports and {size.concepts:,} concepts with their vectors",
        f"{reports / size.reports:,.0f} bytes a report, {concepts / size.concepts:,.0f} a concept",
        f"{sum(path.stat().st_size for path in folder.rglob('*') if path.is_file()) / 1e9:.2f} GB in all",
        "vectors of 384 numbers; of 4,096 in float16 a concept takes 6,656 bytes more",
        number=reports / size.reports,
        better="lower",
    )


def _rate(folder: Path, new: Path) -> Row:
    """The rate of an ingest into the large knowledge base against that into an empty one, in turn."""
    taken: dict[str, list[Taken]] = {"empty": [], "large": []}
    for _ in range(ROUNDS):
        with _copy(folder / LARGE) as large, tempfile.TemporaryDirectory(dir=folder) as empty:
            for name, kb in (("empty", Path(empty) / "k.kb"), ("large", large)):
                taken[name].append(taken_by(clear_kb(*INGEST, str(new), "--kb", str(kb), "--quiet")))
    spent = [one.cpu_s / other.cpu_s for one, other in zip(taken["empty"], taken["large"], strict=True)]
    return ratio_row(
        "rate of an ingest, as its command runs",
        [one.wall_s for one in taken["empty"]],
        [one.wall_s for one in taken["large"]],
        "the same reports into an empty knowledge base, .9x was asked for",
        better="higher",
        digits=2,
        told=f"{statistics.median(spent):.2f}x by processor time",
    )


@contextmanager
def _copy(kb: Path) -> Iterator[Path]:
    """A copy that shares the files of its tables, which are never written twice; what lies beside them is its own."""
    copy = kb.with_name(f"copy-{kb.name}")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(kb, copy, copy_function=_linked)
    try:
        yield copy
    finally:
        shutil.rmtree(copy)


def _linked(source: str, copy: str) -> str:
    if any(part.endswith(".lance") for part in Path(source).parts):
        os.link(source, copy)
    else:
        shutil.copy2(source, copy)
    return copy


def main() -> None:
    """Measure by the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--only", action="append", default=[], choices=[*READING, *WRITING, "rate"])
    told = parser.parse_args()
    table = Table("what", "value", "spread", "against", box=None)
    for row in measure(told.folder, told.share, told.only):
        table.add_row(row.what, row.value, row.spread, row.against)
    Console(width=160).print(table)
    print(json.dumps({"load": os.getloadavg()}))


if __name__ == "__main__":
    main()

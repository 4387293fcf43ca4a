"""`clear-kb demo`: the main job on a synthetic study that it makes itself, command by command."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

QUERIES = ("collapsed lung", "enlarged heart", "no fluid around the lungs")


def demo_command(
    folder: Annotated[Path, typer.Option("--folder", help="Where the study and its knowledge base go.")] = Path("demo"),
    reports: Annotated[int, typer.Option("--reports", min=1, help="How many synthetic reports.")] = 600,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another study.")] = 0,
) -> None:
    """Run the whole story on a synthetic study: offline, in about a minute, every command shown."""
    from ingest.synthetic import write_synthetic_csv

    folder.mkdir(parents=True, exist_ok=True)
    source, kb, out = folder / "reports.csv", str(folder / "demo.kb"), str(folder / "observations.jsonl")
    if not _same_study(source, reports, seed):
        write_synthetic_csv(source, reports, seed)
    _tell(f"{reports} synthetic reports of several sites, written by the project itself: {source}")
    _story(str(source), kb, out)
    _tell(f"Now yours: clear-kb ingest reports YOUR_REPORTS --kb your.kb   (the demo's files stay in {folder})")


def _same_study(source: Path, reports: int, seed: int) -> bool:
    """Whether the study is there already: rewriting the same reports would only change the file's time."""
    marker = source.with_name("study.txt")
    wanted = f"{reports} reports, seed {seed}\n"
    if source.exists() and marker.exists() and marker.read_text(encoding="utf-8") == wanted:
        return True
    marker.write_text(wanted, encoding="utf-8")
    return False


def _story(source: str, kb: str, out: str) -> None:
    from ingest.commands.reports import reports_command
    from kb.commands.base import log_command, status_command
    from kb.commands.observations import export_command
    from kb.commands.vocab import search_command, show_command

    _tell("Reports go in; observations, concepts and their embeddings come out, as one commit.")
    _run(reports_command, "ingest reports", [source], kb=kb)
    _run(status_command, "status", kb=kb)
    _tell('Search by meaning and by words; "no ..." asks for the absent one.')
    for query in QUERIES:
        _run(search_command, "vocab search", query, kb=kb, k=3)
    _tell("One concept, with the report sentences behind it.")
    _run(show_command, "vocab show", _most_mentioned(kb), kb=kb, evidence=3)
    _tell("The same file again adds nothing.")
    _run(reports_command, "ingest reports", [source], kb=kb)
    _curation(kb)
    _run(log_command, "log", kb=kb, limit=6)
    _run(export_command, "observations export", kb=kb, out=out)


def _curation(kb: str) -> None:
    """What a curator does: name a state, merge what is the same, see what changed, release it."""
    from kb.commands.base import tag_command
    from kb.commands.compare import diff_command
    from kb.commands.curate import merge_command
    from kb.commands.exchange import export_command
    from kb.commands.suggest import suggest_command
    from kb.knowledge_base import KnowledgeBase

    opened = KnowledgeBase.open(kb)
    before = f"mined-{opened.commit.commit_id}"
    _tell("A curator names this state, and looks at what may be the same; every act is a change that can be undone.")
    _run(tag_command, "tag", before, kb=kb)
    _run(suggest_command, "vocab suggest", "duplicates", kb=kb, limit=5)
    if found := opened.vocabulary.suggest("duplicates", limit=1).items:
        _run(merge_command, "vocab merge", [found[0].other_id], into=found[0].concept_id, kb=kb, why=found[0].reason)
        _run(diff_command, "vocab diff", before, kb=kb)
    _tell("`vocab review` walks through all of them with the keyboard. It goes out as CSV, SKOS, SSSOM, ...")
    _run(export_command, "vocab export", Path(kb).with_name("vocabulary.ttl"), kb=kb)


def _most_mentioned(kb: str) -> str:
    from kb.knowledge_base import KnowledgeBase

    return str(KnowledgeBase.open(kb).vocabulary.list(assertion="present", limit=1)[0]["concept_id"])


def _run(command: Callable[..., Any], name: str, *arguments: Any, **options: Any) -> None:
    """Show a command as one would type it, and run it."""
    typed = ["clear-kb", *name.split()]
    for argument in arguments:
        typed += argument if isinstance(argument, list) else [str(argument)]
    for option, value in options.items():
        typed += [{"out": "-o"}.get(option, f"--{option}"), str(value)]
    Console(highlight=False, soft_wrap=True).print(Text(f"\n$ {shlex.join(typed)}", style="bold cyan"))
    command(*arguments, **options)


def _tell(text: str) -> None:
    Console(highlight=False).print(Text(f"\n{text}", style="italic"))

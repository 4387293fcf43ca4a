"""What the command line adds to an error of the library: what to type about it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from kb.commands.failures import describe
from kb.errors import ClearKbError, NotEmbeddedError, UsageError
from kb.knowledge_base import KnowledgeBase

Run = Callable[..., "CompletedProcess[str]"]


def test_an_error_keeps_its_words_and_the_command_line_says_what_to_type() -> None:
    error = UsageError("several sources speak of X: a, b; name one", parameter="source")
    assert str(error) == "several sources speak of X: a, b; name one"
    assert describe(error) == "several sources speak of X: a, b; name one (say --source NAME)"
    assert (
        describe(NotEmbeddedError("nothing is embedded"))
        == "nothing is embedded: `clear-kb embed` computes the vectors"
    )
    assert describe(ClearKbError("it is so")) == "it is so"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("LanceError(IO): No space left on device (os error 28), /x/local.rs:1:2", "there is no room left on the disk"),
        ("Not found: a.kb/concepts.lance/data/01.lance, /x/y.rs:3:4", "concepts.lance/data/01.lance is gone"),
        ("Invalid range 0..1020 for object of size 0 bytes", "a file of it is cut, or holds other bytes"),
    ],
)
def test_what_lance_says_of_a_disk_is_told_in_words(said: str, told: str) -> None:
    line = describe(OSError(said))
    assert told in line and "foreseen" not in line
    assert ("restore-from" in line) == ("No space" not in said), "a full disk is no reason to bring a backup back"


def test_what_an_error_needs_comes_through_another_process() -> None:
    error = pickle.loads(pickle.dumps(UsageError("no labels", need="labels", parameter="labels")))
    assert (str(error), error.need, error.parameter) == ("no labels", "labels", "labels")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["status", "--kb", "none.kb"], "there is no knowledge base", "`clear-kb ingest reports SRC` makes one"),
        (["vocab", "show", "Cffff", "--kb", "test.kb"], "no concept", "see `clear-kb vocab search`"),
        (["vocab", "suggest", "outliers", "--kb", "test.kb"], "nothing is embedded", "`clear-kb embed`"),
        (["evaluate", "--kb", "test.kb"], "holds no predictions", "`clear-kb ingest predictions FILE --run NAME`"),
        (["status", "--at", "v9", "--kb", "test.kb"], "no commit, tag or branch", "see `clear-kb log`"),
    ],
)
def test_what_is_missing_is_said_with_the_command_that_makes_it(
    cli: Run, kb: KnowledgeBase, arguments: list[str], message: str, hint: str
) -> None:
    told = cli(*arguments, code=2).stderr
    assert message in told
    assert hint in told.partition(message)[2]


@pytest.mark.soak
def test_labels_are_asked_for_and_then_which_of_their_sources(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("image,Edema\na,0.1\nb,0.9\n", encoding="utf-8")
    (tmp_path / "one.csv").write_text("image,Edema\na,0\nb,1\n", encoding="utf-8")
    (tmp_path / "two.csv").write_text("image,Edema\na,1\nb,1\n", encoding="utf-8")
    cli("ingest", "predictions", "scores.csv", "--run", "r", "--kb", "x.kb")
    told = cli("evaluate", "--kb", "x.kb", code=2).stderr
    assert "no labels to evaluate by: `clear-kb ingest labels FILE`" in told
    for name in ("one", "two"):
        cli("ingest", "labels", f"{name}.csv", "--kb", "x.kb")
    told = cli("evaluate", "--kb", "x.kb", code=2).stderr
    assert "contradict each other" in told and "name the source to go by (say --source NAME)" in told

"""Display: what a person sees of a result, in a notebook and in a terminal."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from kb.display import MOST_ROWS, Listing, html_table, plain
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from kb.statistics.interval import Interval
from tests.support.concepts import SAME_WORDS, add_concepts

NODULE = read_query("nodule").concept_id


@pytest.fixture
def kb(tmp_path: Path) -> KnowledgeBase:
    kb = KnowledgeBase.create(tmp_path / "shown.kb")
    add_concepts(kb, ["nodule", "nodular <b>thing</b>", "fluid collection", *SAME_WORDS[:2]])
    kb.curate.set_note(NODULE, "a [bold] & <i>note</i>")
    return kb


def shown(thing: Any) -> str:
    stream = io.StringIO()
    Console(file=stream, width=200).print(thing)
    return stream.getvalue()


@pytest.mark.parametrize(
    "make",
    [
        lambda kb: kb,
        lambda kb: kb.vocabulary,
        lambda kb: kb.vocabulary.get(NODULE),
        lambda kb: kb.vocabulary.list(),
        lambda kb: kb.changes(),
        lambda kb: kb.vocabulary.evidence(NODULE),
        lambda kb: kb.search("nodule", words_only=True),
        lambda kb: kb.suggest("duplicates"),
        lambda kb: kb.diff("HEAD~1"),
        lambda kb: kb.check(),
    ],
)
def test_every_result_shows_itself_in_a_notebook(kb: KnowledgeBase, make) -> None:
    html = make(kb)._repr_html_()
    assert html.count("<table>") == html.count("</table>") == 1
    assert "<b>" not in html and "<i>" not in html


def test_a_concept_is_a_sheet_of_facts(kb: KnowledgeBase) -> None:
    concept = kb.vocabulary.get(NODULE)
    assert "a [bold] &amp; &lt;i&gt;note&lt;/i&gt;" in concept._repr_html_()
    told = shown(concept)
    assert NODULE in told and "a [bold] & <i>note</i>" in told


def test_suggestions_show_what_and_why(kb: KnowledgeBase) -> None:
    told = shown(kb.suggest("duplicates"))
    assert SAME_WORDS[0] in told and SAME_WORDS[1] in told and "the same words" in told


def test_a_long_listing_says_how_long_it_is() -> None:
    listing = Listing([{"n": number} for number in range(MOST_ROWS + 1)], ["n"])
    assert f"the first {MOST_ROWS} of {MOST_ROWS + 1}" in listing._repr_html_()
    assert f"the first {MOST_ROWS} of {MOST_ROWS + 1}" in shown(listing)
    assert len(listing.rows()) == MOST_ROWS + 1


def test_a_nested_value_is_json_in_a_cell() -> None:
    assert plain([[0, 27]]) == "[[0, 27]]"
    assert plain({"note": None}) == '{"note": null}'
    assert (plain(["a", "b"]), plain(None)) == ("a, b", "")


def test_nothing_is_an_empty_table() -> None:
    assert html_table([], ["a"]) == "<table><thead><tr><th>a</th></tr></thead><tbody></tbody></table>"
    assert shown(Listing([], ["a"])).strip() == "a"


def test_an_interval_is_one_cell_that_reads_as_one() -> None:
    listed = Listing([{"period": "2024-03", "auroc": Interval(0.91, 0.85, 0.95)}], ("period", "auroc"))
    assert "0.910 (0.850 to 0.950)" in shown(listed)
    assert "<td>0.910 (0.850 to 0.950)</td>" in listed._repr_html_()

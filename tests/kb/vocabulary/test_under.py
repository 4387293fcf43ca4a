"""What stands under a concept or a phrase: listed, counted with each report once, and shown around a concept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from tests.support.concepts import add_concepts
from tests.support.tables import fill

TEXTS = (
    "rib fracture",
    "left rib fracture",
    "old left rib fracture",
    "left clavicle fracture",
    "right lower lobe opacity",
    "nodule",
    "atelectasis",
    "asthma",
    "asthma of the airway",
    "pacemaker",
    "no fracture",
    "no rib fracture",
)
SAID = {
    "r1": ["left rib fracture", "old left rib fracture", "pacemaker"],
    "r2": ["rib fracture", "left clavicle fracture", "no fracture"],
    "r3": ["right lower lobe opacity", "asthma of the airway", "no rib fracture"],
    "r4": ["atelectasis", "old left rib fracture"],
}


@pytest.fixture
def fractures(kb: KnowledgeBase) -> KnowledgeBase:
    add_concepts(kb, TEXTS)
    span = {"start": 0, "end": 8}
    said = {"section": "findings", "sentence_span": span, "assertion": "present", "certainty": "definite"}
    rows = [(report, text) for report, texts in SAID.items() for text in texts]
    return fill(
        kb,
        reports=[{"report_id": report} for report in SAID],
        observations=[
            {"report_id": report, "text": text, "concept_id": read_query(text).concept_id, **said}
            for report, text in rows
        ],
    )


def texts_under(kb: KnowledgeBase, asked: str, **filters: str) -> set[str]:
    return {row["text"] for row in kb.vocabulary.under(asked, **filters).rows}


@pytest.mark.parametrize(
    ("asked", "texts", "mentions", "reports"),
    [
        ("fracture", {*TEXTS[:4]}, 5, 3),
        ("rib fracture", {*TEXTS[:3]}, 4, 3),
        ("left fracture", {*TEXTS[1:4]}, 4, 3),
        ("lower lobe", {"right lower lobe opacity"}, 1, 1),
        ("right lung", {"right lower lobe opacity"}, 1, 1),
        ("lung", {"right lower lobe opacity", "atelectasis", "asthma", "airway asthma"}, 3, 2),
        ("rib", {*TEXTS[:3]}, 4, 3),
        ("device", {"pacemaker"}, 1, 1),
        ("no bone abnormality", {"no fracture", "no rib fracture"}, 2, 2),
        ("asthma", {"asthma", "airway asthma"}, 1, 1),
        ("pneumothorax", set(), 0, 0),
    ],
)
def test_a_phrase_need_be_no_concept_and_a_report_counts_once(
    fractures: KnowledgeBase, asked: str, texts: set[str], mentions: int, reports: int
) -> None:
    found = fractures.vocabulary.under(asked)
    assert {row["text"] for row in found.rows} == texts
    assert (found.concepts, found.counts.mentions, found.counts.reports) == (len(texts), mentions, reports)


def test_each_is_listed_with_its_own_counts_and_those_of_what_is_under_it(fractures: KnowledgeBase) -> None:
    rows = fractures.vocabulary.under("fracture", limit=2).rows
    assert [(row["text"], row["mentions"], row["mentions_under"], row["reports_under"]) for row in rows] == [
        ("rib fracture", 1, 4, 3),
        ("left rib fracture", 1, 3, 2),
    ]


def test_an_id_its_beginning_and_a_text_ask_for_the_concept(fractures: KnowledgeBase) -> None:
    concept_id = read_query("left rib fracture").concept_id
    for asked in (concept_id, concept_id[:9], "left rib fracture"):
        found = fractures.vocabulary.under(asked)
        assert found.concept_id == concept_id
        assert found.concepts == 2


def test_the_assertion_is_that_of_the_phrase_unless_it_is_said(fractures: KnowledgeBase) -> None:
    assert texts_under(fractures, "fracture", assertion="absent") == {"no fracture", "no rib fracture"}
    assert texts_under(fractures, "fracture", laterality="left") == {*TEXTS[1:4]}
    with pytest.raises(UsageError, match="nothing absent stands under it"):
        fractures.vocabulary.under("rib fracture", assertion="absent")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("fractr", "names no finding, place or concept .*did you mean 'fracture'"),
        ("left", "says nothing"),
        ("C0000000000000000", "there is no concept"),
    ],
)
def test_what_nobody_knows_is_refused_and_not_empty(fractures: KnowledgeBase, asked: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        fractures.vocabulary.under(asked)


def test_what_is_not_in_use_stands_under_nothing(fractures: KnowledgeBase) -> None:
    fractures.curate.reject(read_query("rib fracture").concept_id, by="ada", why="a test")
    assert texts_under(fractures, "fracture") == {*TEXTS[1:4]}
    assert not fractures.vocabulary.around(read_query("rib fracture").concept_id).wider
    with pytest.raises(UsageError, match="only concepts in use"):
        fractures.vocabulary.under("fracture", status="rejected")


def test_around_a_concept_are_those_with_nothing_between(fractures: KnowledgeBase) -> None:
    around = fractures.vocabulary.around(read_query("left rib fracture").concept_id)
    assert [row["text"] for row in around.wider] == ["rib fracture"]
    assert [row["text"] for row in around.narrower] == ["old left rib fracture"]
    assert (around.rolled_up.mentions, around.rolled_up.reports) == (3, 2)
    assert around.wider[0]["mentions_under"] == 4


def test_of_two_that_mean_the_same_the_plainer_one_is_the_wider(fractures: KnowledgeBase) -> None:
    plain, placed = (read_query(text).concept_id for text in ("asthma", "asthma of the airway"))
    assert [row["concept_id"] for row in fractures.vocabulary.around(placed).wider] == [plain]
    assert [row["concept_id"] for row in fractures.vocabulary.around(plain).narrower] == [placed]


@pytest.mark.soak
def test_the_command_line_lists_and_shows(fractures: KnowledgeBase, cli: Callable, cli_json: Callable) -> None:
    found = cli_json("vocab", "list", "--under", "fracture", "--kb", fractures.uri)
    assert (found["concepts"], found["mentions"], found["reports"]) == (4, 5, 3)
    assert found["rows"][0]["reports_under"] == 3
    listed = cli("vocab", "list", "--under", "lower lobe", "--kb", fractures.uri)
    assert "1 concepts under 'lower lobe': 1 mentions in 1 reports" in listed.stderr
    shown = cli_json("vocab", "show", read_query("rib fracture").concept_id, "--kb", fractures.uri)
    assert shown["rolled_up"] == {"mentions": 4, "reports": 3}
    assert [row["text"] for row in shown["narrower"]] == ["left rib fracture"]
    assert "left rib fracture (1 in 1 reports; with narrower 3 in 2)" in cli(
        "vocab", "show", read_query("rib fracture").concept_id, "--kb", fractures.uri
    ).stdout.replace("\n", " ")

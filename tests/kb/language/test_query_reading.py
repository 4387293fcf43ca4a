"""Queries and the texts of concepts: read by the same cues and the same grammar as the sentences of reports."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ingest.extractors.rules import RulesExtractor
from ingest.report import Section
from kb.knowledge_base import KnowledgeBase
from kb.language.facets import read_facets
from kb.language.grammar.cues import load_cues, written_out
from kb.language.grammar.reading import read_sentence
from kb.language.grammar.tokens import tokenise
from kb.language.grammar.wording import WORDS
from kb.language.lexicon import load_lexicon
from kb.language.query_reading import read_query, stands_as_it_is
from tests.support.examples import examples

FINDINGS = ("small left pleural effusion", "pneumothorax", "right rib fracture", "mild cardiomegaly", "lung nodule")
AFTER = ("{cue} {finding}", "there is {cue} {finding}", "lungs {cue} {finding}")
BEFORE = ("{finding} {cue}", "{finding}, {cue}")
PLACED = {
    **dict.fromkeys(["deny", "free", "doubt", "likely", "affirm"], AFTER),
    **dict.fromkeys(["denied", "doubted"], BEFORE),
}


def cues(effect: str) -> list[str]:
    """Cues of an effect: of each row, as many as it takes to have each of its words in one of them."""
    table = (files("kb.language.grammar") / "cues.tsv").read_text(encoding="utf-8").splitlines()
    chosen: list[str] = []
    for row in (line.split("\t")[0] for line in table if line.endswith(f"\t{effect}")):
        new: set[str] = set()
        for cue in written_out(row):
            if not new.issuperset(cue.split()):
                new.update(cue.split())
                chosen.append(cue)
    return chosen


@pytest.mark.parametrize("effect", PLACED)
def test_a_query_means_what_the_same_words_mean_in_a_report(effect: str) -> None:
    rules = RulesExtractor()
    compared = tried = 0
    for number, cue in enumerate(cues(effect)):
        for place, form in enumerate(PLACED[effect]):
            phrase = form.format(cue=cue, finding=FINDINGS[(number + place) % len(FINDINGS)])
            mentions = rules.mentions([Section("findings", phrase)])
            tried += 1
            if len(mentions) == 1:
                compared += 1
                assert read_query(phrase) == mentions[0].facets, phrase
    assert compared > tried / 2


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("there is no pneumothorax", "no pneumothorax"),
        ("pneumothorax is not seen", "no pneumothorax"),
        ("There isn't a pneumothorax.", "no pneumothorax"),
        ("no evidence of left pleural effusion", "no left pleural effusion"),
        ("without mass", "no mass"),
        ("lungs are free of consolidation", "no consolidation"),
        ("heart is not enlarged", "no cardiomegaly"),
        ("effusion: none", "no pleural effusion"),
        ("negative for fracture", "no fracture"),
        ("effusion has resolved", "no pleural effusion"),
        ("rule out pneumonia", "pneumonia"),
        ("possible left effusion", "left pleural effusion"),
        ("no significant change in effusion", "pleural effusion"),
    ],
)
def test_a_denial_is_read_however_it_is_worded(text: str, read: str) -> None:
    facets = read_query(text)
    assert (facets.text, facets.assertion) == (read, "absent" if read.startswith("no ") else "present")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("no effusion or pneumothorax", "no pneumothorax pleural effusion"),
        ("there is no effusion or pneumothorax", "no pneumothorax pleural effusion"),
        ("effusion without pneumothorax", "no-pneumothorax pleural effusion"),
        ("small effusion, no rib fracture", "small no-rib-fracture pleural effusion"),
        ("effusion with atelectasis", "atelectasis pleural effusion"),
    ],
)
def test_several_observations_make_one_concept_that_loses_none_of_their_words(text: str, read: str) -> None:
    assert read_query(text).text == read


def test_a_denial_in_any_words_is_added_as_the_absent_concept(kb: KnowledgeBase) -> None:
    kb.curate.add("there is no pneumothorax")
    (row,) = kb.dataset("concepts").to_table(columns=["text", "assertion", "concept_id"]).to_pylist()
    absent = read_facets("pneumothorax", "absent")
    assert row == {"text": "no pneumothorax", "assertion": "absent", "concept_id": absent.concept_id}


LEXICON = load_lexicon()
CUES = sorted(load_cues().words)
PLAIN = st.one_of(
    st.sampled_from(LEXICON.terms()),
    st.sampled_from(LEXICON.places()),
    st.sampled_from(sorted(LEXICON.severities)),
    st.sampled_from(sorted(LEXICON.sides)),
)
ANY = st.one_of(
    PLAIN, st.sampled_from(CUES), st.sampled_from(["cannot", "isn't", "XXXX", "5mm", "T12"]), st.text(max_size=6)
)


@settings(max_examples=examples(400), deadline=None)
@given(st.lists(ANY, min_size=1, max_size=5), st.sampled_from([" ", "", "-", ", ", "/"]))
def test_a_text_that_is_read_without_the_tokeniser_holds_no_cue(words: list[str], joined: str) -> None:
    text = joined.join(words)
    assume(
        stands_as_it_is(text)
        and "no-" not in text.lower()
        and "not-" not in text.lower()
        and "out-" not in text.lower()
    )
    found = [segment.cue[0].lower for segment in load_cues().segments(tokenise(text)) if segment.cue]
    assert found in ([], ["no"])


LEFT_OUT_OF_MENTIONS = WORDS["changes"] | WORDS["changes_at_end"] | WORDS["fillers"]
"""Small words that the rules leave out of a mention, also where they are a part of a name ("retained contrast")."""


@settings(max_examples=examples(200), deadline=None)
@given(
    st.sampled_from(["no ", "No ", ""]),
    st.sampled_from(["", *sorted(LEXICON.severities)]),
    st.sampled_from(["", *sorted(LEXICON.sides)]),
    st.sampled_from(LEXICON.terms()),
)
def test_a_text_that_is_read_without_the_tokeniser_is_read_as_the_grammar_would(
    denial: str, size: str, side: str, term: str
) -> None:
    text = denial + " ".join(f"{size} {side} {term}".split())
    assume(stands_as_it_is(text) and LEFT_OUT_OF_MENTIONS.isdisjoint(term.lower().split()))
    readings = read_sentence(text)
    assume(len(readings) == 1)
    assertion = "absent" if readings[0].statement.assertion == "absent" else "present"
    assert read_query(text) == read_facets(readings[0].text, assertion)


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(st.one_of(PLAIN, st.sampled_from(CUES)), min_size=1, max_size=6).map(" ".join))
def test_the_canonical_text_of_what_was_read_reads_as_itself(text: str) -> None:
    try:
        facets = read_query(text)
    except ValueError:
        assume(False)
    assert read_query(facets.text) == facets


READS_PLAIN_TEXTS = """
import sys
from kb.language.query_reading import read_query
for text in ("effusion", "no small left pleural effusion", "no acute rib fracture", "mass seen"):
    read_query(text)
sys.exit("spacy" in sys.modules)
"""


def test_plain_texts_and_canonical_denials_need_no_tokeniser() -> None:
    assert subprocess.run([sys.executable, "-c", READS_PLAIN_TEXTS], check=False).returncode == 0


SEARCHES = """
import sys
from cli import main
sys.argv = ["clear-kb", "vocab", "search", "effusion", "--words", "--kb", sys.argv[1]]
try:
    main()
finally:
    print("spacy" in sys.modules)
"""


@pytest.mark.soak
def test_a_search_for_a_finding_by_its_words_needs_no_tokeniser(kb: KnowledgeBase) -> None:
    kb.curate.add("pleural effusion")
    done = subprocess.run([sys.executable, "-c", SEARCHES, kb.uri], capture_output=True, text=True, check=False)
    assert "pleural effusion" in done.stdout and done.stdout.split()[-1] == "False", done.stderr

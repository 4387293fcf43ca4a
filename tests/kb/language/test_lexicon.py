"""The lexicon: that its tables hold together, and how terms are found."""

from __future__ import annotations

import pytest

from kb.language.lexicon import FILES, Lexicon, fold, load_lexicon

LEXICON = load_lexicon()


def test_every_label_is_found_as_itself() -> None:
    labels = [label for label, _, _ in LEXICON.rows()]
    assert {label: LEXICON.canonical(label) for label in labels} == {label: label for label in labels}


def test_no_term_names_two_findings() -> None:
    owners: dict[str, set[str]] = {}
    for label, _, synonyms in LEXICON.rows():
        for term in (label, *synonyms):
            owners.setdefault(" ".join(sorted(map(fold, term.split()))), set()).add(label)
    assert {term: labels for term, labels in owners.items() if len(labels) > 1} == {}


def test_kinds_are_the_known_ones() -> None:
    assert {kind for _, kind, _ in LEXICON.rows()} == {"finding", "device", "normal", "generic"}


@pytest.mark.parametrize(
    ("term", "label"),
    [
        ("collapsed lung", "atelectasis"),
        ("Enlarged heart", "cardiomegaly"),
        ("PICC", "peripherally inserted central catheter"),
        ("CABG", "coronary bypass"),
        ("ETT", "endotracheal tube"),
        ("effusions", "pleural effusion"),
        ("masses", "mass"),
        ("wombat", None),
        ("", None),
    ],
)
def test_a_term_has_one_label(term: str, label: str | None) -> None:
    assert LEXICON.canonical(term) == label


def test_no_label_holds_an_abbreviation_that_would_be_written_out() -> None:
    """Or the canonical text would not read as itself."""
    labels = [label for label, _, _ in LEXICON.rows()] + list(LEXICON.places())
    assert [label for label in labels if LEXICON.written_out(label) != label] == []


def test_abbreviations_of_the_field_are_written_out_as_whole_words() -> None:
    assert LEXICON.written_out("RUL nodule, no ptx") == "right upper lobe nodule, no pneumothorax"
    assert LEXICON.written_out("a rulling, start and l-spine") == "a rulling, start and l-spine"


def test_the_longest_term_wins_and_terms_do_not_overlap() -> None:
    text = "Rib fracture and small pleural effusions; collapsed lung."
    assert [(match.label, text[match.start : match.end]) for match in LEXICON.find(text)] == [
        ("rib fracture", "Rib fracture"),
        ("pleural effusion", "pleural effusions"),
        ("atelectasis", "collapsed lung"),
    ]


def test_an_edit_of_a_table_changes_the_fingerprint() -> None:
    texts = {
        name: "label\tkind\tsynonyms\nnodule\tfinding\t\n" if name == "findings.tsv" else "a\tb\n" for name in FILES
    }
    one = Lexicon(texts)
    other = Lexicon({**texts, "findings.tsv": texts["findings.tsv"] + "mass\tfinding\t\n"})
    assert one.fingerprint != other.fingerprint
    assert (one.canonical("mass"), other.canonical("mass")) == (None, "mass")

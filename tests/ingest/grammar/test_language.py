"""Reports that are not in English go to the rejects, and no English one does."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.demo import phantom_studies, write_report
from ingest.extractors.rules import RulesExtractor
from ingest.extractors.scispacy_extractor import ScispacyExtractor
from ingest.grammar.language import not_english
from ingest.report import Section
from kb.language.lexicon import load_lexicon
from tests.support.paths import ANNOTATED
from tests.support.reports import write_csv


def refused(*texts: str) -> str | None:
    return not_english([Section("findings", text) for text in texts])


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("German", ["Kein Pneumothorax.", "Herz nicht vergrößert.", "Kein Nachweis einer Stauung.", "Lungen frei."]),
        ("German", ["Pneumothorax rechts.", "HERZ NORMAL GROSS, KEIN ERGUSS.", "XXXX ohne Befund."]),
        (
            "French",
            [
                "Pas de consolidation.",
                "Absence de tout pneumothorax dans les poumons.",
                "Cardiomégalie.",
                "Poumons clairs.",
            ],
        ),
        ("Spanish", ["Sin neumotórax.", "No se observa neumotorax.", "Cardiomegalia.", "No hay consolidaciones."]),
        ("Portuguese", ["Ausência de edema.", "Sem derrame pleural.", "Não há consolidação."]),
        ("Italian", ["Assenza di pneumotorace.", "Non versamento pleurico.", "Cuore nei limiti."]),
        ("Dutch", ["Geen pneumothorax.", "Hart niet vergroot, longen schoon."]),
        ("Polish", ["Bez cech odmy.", "Płuca bez zmian ogniskowych."]),
        ("Turkish", ["Pnömotoraks yok.", "Plevral efüzyon izlenmedi.", "Akciğerler doğal."]),
        ("Swedish", ["Hjärtat normalstort. Inga infiltrat."]),
        ("Czech", ["Srdce není zvětšené."]),
        ("Hungarian", ["Nincs pneumothorax."]),
        ("Indonesian", ["Tidak tampak efusi pleura."]),
        ("Chinese", ["未见气胸。", "双肺纹理清晰,心影不大。", "右肺 nodule 5 mm, 无胸腔积液"]),
        ("Japanese", ["気胸なし。", "胸水を認めない。CT 推奨"]),
        ("Korean", ["기흉 없음."]),
        ("Cyrillic", ["Пневмоторакса нет.", "БЕЗ ПАТОЛОГИИ"]),
        ("Arabic", ["لا يوجد استرواح صدري."]),
        ("Greek", ["Χωρίς πνευμοθώρακα."]),
        ("another language", ["Absence de pneumothorax.", "Không tràn khí màng phổi."]),
        ("another language", ["Zorb gral pneumothorax thib quon marn dilk vesp oon trall."]),
    ],
)
def test_a_report_in_another_language_is_refused(language: str, texts: list[str]) -> None:
    for text in texts:
        reason = refused(text)
        assert reason is not None and language in reason and "translated text" in reason, text


@pytest.mark.parametrize(
    "text",
    """CXR: NAD|NAD|WNL|Normal.|No.|XXXX|___ ___ XXXX||Cor pulmonale.|Situs inversus totalis.|ET tube in situ.
ETT and NGT OK.|LA enlarged.|DES in LAD.|De novo LBBB.|Dr. de la Cruz was notified.|Torsades de pointes.
Sjögren syndrome, Ménière disease.|Os acromiale.|SI joints normal.|α1-antitrypsin deficiency; 5 µm.
Non-displaced.|Non specific.|lungs clr heart nml|Status post CABG.|?pneumonia|Small PTX.|Hyperaeration.
Tuberculosis, silicosis, sarcoidosis, aspergillosis, mesothelioma|The heart isn’t enlarged – “clear” lungs.|XXXX edema
Café-au-lait spots.|Mass en face.|1. Stable. 2. 3º block.
Non-obstructive bowel gas pattern, no portal venous gas or pneumatosis.
Followup imaging to document resolution is recommended.
No pneumothoraces.|The patient of Dr. Müller.""".replace("\n", "|").split("|"),
)
def test_terse_english_is_taken(text: str) -> None:
    assert refused(text) is None
    assert refused(text.upper()) is None


def test_terms_of_the_lexicon_are_nobodys_own() -> None:
    told = [term for term in load_lexicon().terms() if refused(term) or refused(f"NO {term.upper()}.")]
    assert told == []


def test_english_reports_are_taken_sentence_by_sentence(openi_csv: Path) -> None:
    reports_made = [write_report(study).report for study in phantom_studies(500, seed=3)]
    texts = [text for one in reports_made for text in (one.findings, one.impression)]
    for path in ANNOTATED.glob("*.jsonl"):
        reports = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        texts += [report.get(name) or "" for report in reports for name in ("findings", "impression")]
    with openi_csv.open(encoding="utf-8") as file:
        texts += [row[name] for row in csv.DictReader(file) for name in ("findings", "impression")]
    sentences = {sentence for text in texts for sentence in (text, *text.split(". "))}
    assert [sentence for sentence in sentences if refused(sentence) or refused(sentence.upper())] == []


def test_one_foreign_section_makes_a_report_foreign() -> None:
    assert refused("The heart is normal. The lungs are clear.", "Kein Pneumothorax.")
    assert refused("The heart is normal. The lungs are clear.", "Sjörgensen.") is None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_gets_an_answer(text: str) -> None:
    assert refused(text) is None or "not in English" in str(refused(text))


def test_no_finding_is_mined_from_it() -> None:
    import spacy

    pipeline = spacy.blank("en")
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "ENTITY", "pattern": "Pneumothorax"}])
    reports = [[Section("findings", text)] for text in ("No edema.", "Kein Pneumothorax.", "Small effusion.")]
    for extractor in (RulesExtractor(), ScispacyExtractor(pipeline)):
        first, foreign, last = extractor.extract(reports)
        assert (len(first.mentions), first.mentions[0].assertion, len(last.mentions)) == (1, "absent", 1)
        assert foreign.mentions == [] and "mostly German" in (foreign.failure or "")


def test_it_stands_among_the_rejects(cli: Callable[..., Any], cli_json: Callable[..., Any], tmp_path: Path) -> None:
    rows = [
        {"uid": "a", "findings": "Kein Pneumothorax.", "impression": ""},
        {"uid": "b", "findings": "No pneumothorax.", "impression": ""},
    ]
    source = write_csv(tmp_path / "mixed.csv", rows)
    assert "mostly German" in cli("ingest", "preview", source).stdout
    told = cli_json("ingest", "reports", source, "--no-embed")
    assert (told["read"], told["new"], told["rejected"], told["observations"]) == (2, 1, 1, 1)
    (reject,) = cli_json("status", "--rejects")
    assert (reject["report_id"], reject["position"]) == ("a", "row 1 (line 2)")
    assert reject["reason"].startswith("not in English: mostly German; give a translated text")


def test_a_source_of_which_nothing_is_taken_ends_in_an_error(cli: Callable[..., Any], tmp_path: Path) -> None:
    source = write_csv(tmp_path / "german.csv", [{"uid": "a", "findings": "Kein Erguss.", "impression": ""}])
    cli("ingest", "reports", source, "--no-embed", code=1)

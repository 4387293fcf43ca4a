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
from ingest.extractors.llm.llm_extractor import LlmExtractor
from ingest.extractors.rules import RulesExtractor
from ingest.extractors.scispacy_extractor import ScispacyExtractor
from ingest.grammar.language import Reading, count_languages, read_language
from ingest.report import Section
from ingest.reports.ingest import ingest_reports
from kb.knowledge_base import KnowledgeBase
from kb.language.lexicon import load_lexicon
from tests.support.paths import ANNOTATED
from tests.support.reports import write_csv


def refused(*texts: str) -> str | None:
    return read_language([Section(f"findings#{at}", text) for at, text in enumerate(texts)]).failure


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
        ("Russian", ["Пневмоторакса нет.", "БЕЗ ПАТОЛОГИИ"]),
        ("Arabic", ["لا يوجد استرواح صدري."]),
        ("Greek", ["Χωρίς πνευμοθώρακα."]),
        ("another language", ["Absence de pneumothorax."]),
        ("Vietnamese", ["Không tràn khí màng phổi."]),
        ("perhaps", ["Zorb gral pneumothorax thib quon marn dilk vesp oon trall."]),
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


@pytest.mark.parametrize(
    "text",
    [
        "Kardiale Dekompensation.",
        "Infiltrado intersticial difuso.",
        "Tubo endotraqueal bem posicionado.",
        "Esiti fibrotici apicali.",
        "Status post thorakotomi höger sida.",
        "Hjartastaerd innan edlilegra marka.",
        "Zageszczenia zapalne w plucu prawym",
        "Suda ei ole suurenenud, kopsud selged",
        "Ez da pneumotoraxik ikusten",
    ],
)
def test_what_no_table_names_a_library_finds_foreign(text: str) -> None:
    assert "not in English" in str(refused(text))


class TestMixedReports:
    ENGLISH = Section("findings", "The heart is normal. The lungs are clear. No effusion.")

    def test_foreign_sentences_are_left_out_and_told(self) -> None:
        read = read_language([self.ENGLISH, Section("impression", "Stable. Kein Pneumothorax.")])
        assert read.failure is None
        assert read.foreign == {("impression", 1)}
        assert read.told == ("language: 1 sentence was not mined, mostly German (impression 2)",)
        assert count_languages(read.told) == ({}, {"German": 1})

    def test_a_report_that_is_mostly_foreign_is_refused(self) -> None:
        german = "Herz nicht vergrößert. Kein Nachweis einer Stauung. Kein Erguss, kein Infiltrat, kein Pneumothorax."
        reason = read_language([Section("findings", german), Section("impression", "No effusion.")]).failure
        assert reason is not None and count_languages([reason]) == ({"German": 1}, {})

    def test_a_name_with_an_accent_is_no_other_language(self) -> None:
        assert read_language([self.ENGLISH, Section("impression", "Sjörgensen.")]) == Reading()

    def test_only_english_sentences_are_mined(self) -> None:
        sections = [self.ENGLISH, Section("impression", "Kein Pneumothorax. Small nodule.")]
        (found,) = RulesExtractor().extract([sections])
        assert "nodule" in {mention.facets.finding for mention in found.mentions}
        assert not any("umothorax" in mention.text for mention in found.mentions)
        assert len(found.refused) == 1 and found.failure is None


def test_an_extractor_says_which_languages_it_reads() -> None:
    assert RulesExtractor.languages == ScispacyExtractor.languages == ("English",)
    assert LlmExtractor.languages is None


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


def test_the_summary_counts_languages_and_a_changed_report_loses_what_it_said(
    kb: KnowledgeBase, tmp_path: Path
) -> None:
    english = {"findings": "Small right effusion.", "impression": ""}
    rows = [{"uid": name, **english} for name in "abc"]
    source = tmp_path / "reports.csv"
    assert ingest_reports(kb, [write_csv(source, rows)]).new == 3
    rows[0]["findings"] = "Kein Erguss. Herz nicht vergrößert."
    rows[1]["findings"] = "The heart is normal. The lungs are clear. Pas d'épanchement."
    told = ingest_reports(kb, [write_csv(source, rows)])
    assert (told.changed, told.unchanged, told.rejected, told.dropped) == (1, 1, 1, 1)
    assert (told.languages, told.foreign_sentences, told.refused) == ({"German": 1}, {"French": 1}, 0)
    stored = kb.dataset("observations").to_table(columns=["report_id"])["report_id"].to_pylist()
    assert set(stored) == {"b", "c"}
    assert set(kb.dataset("reports").to_table()["report_id"].to_pylist()) == {"b", "c"}
    again = ingest_reports(kb, [source])
    assert (again.unchanged, again.dropped, again.commit) == (2, 0, None)
    assert {row["reason"].split(":")[0] for row in kb.rejects()} == {"not in English", "language"}

"""Which examinations are chest radiographs and chest CT, by what their source and their own titles say."""

from __future__ import annotations

from importlib.resources import files

import pytest

from ingest.report import Exam, LeftOut, Report, Section
from ingest.scope.asked import Asked
from ingest.scope.scope import Verdict, judge_exam
from ingest.sources.sections import split_sections
from kb.errors import UsageError

TAKEN = Verdict()
MIXED = Verdict(mixed=True)
SILENT = "FINDINGS: There is a small cyst."


def judged(procedure: str = "", modality: str = "", body_part: str = "", text: str = SILENT) -> Verdict:
    told = {"modality": modality, "procedure": procedure, "body_part": body_part}
    exam = Exam(**{what: (said,) for what, said in told.items() if said})
    return judge_exam(Report("r", split_sections(text), "row 1", exam=exam))


@pytest.mark.parametrize(
    "procedure",
    [
        "XR CHEST 2 VIEWS",
        "X-ray chest PA & lateral",
        "portable CXR",
        "CHEST PORT. LINE PLACEMENT",
        "XR CHEST POST PICC INSERTION",
        "Thorax p.a.",
        "Röntgen-Thorax in 2 Ebenen",
        "RX TÓRAX PA Y LATERAL",
        "PRE-OP CHEST",
        "71046",
        "CT CHEST W CONTRAST",
        "CTA chest PE protocol",
        "CT pulmonary angiogram",
        "CT ANGIOGRAM CHEST",
        "LDCT lung cancer screening",
        "HRCT Thorax",
        "Thoracic CT",
    ],
)
def test_procedures_of_the_chest_are_taken(procedure: str) -> None:
    assert judged(procedure) == TAKEN
    # It is the procedure that decides, and not that nothing else does.
    assert judged(procedure, body_part="KNEE", text="EXAM: ANKLE\nFINDINGS: x") == TAKEN


@pytest.mark.parametrize(
    ("procedure", "what"),
    [
        ("XR ANKLE LEFT 3V (CHEST PAIN)", "leg"),
        ("XR FOOT 3V", "leg"),
        ("KUB", "abdomen"),
        ("CT ABDOMEN PELVIS", "abdomen, pelvis"),
        ("CT abd/pelvis incl. lung bases", "abdomen, pelvis"),
        ("CT HEAD WO", "head"),
        ("CT THORACIC SPINE", "spine"),
        ("XR SPINE THORACIC 2V", "spine"),
        ("XR RIBS LEFT", "ribs"),
        ("Cardiac CT", "heart"),
        ("Chest port insertion fluoroscopy", "fluoroscopy"),
        ("mammogram", "mammography"),
        ("V/Q", "nuclear medicine"),
        ("NM LUNG VENTILATION PERFUSION", "nuclear medicine"),
        ("WHOLE BODY BONE SCAN", "nuclear medicine"),
        ("PET/CT SKULL BASE TO MID THIGH", "PET"),
        ("US CHEST", "ultrasound"),
        ("Echocardiogram", "ultrasound"),
        ("MRI chest wo contrast", "MR"),
        ("PULMONARY ANGIOGRAM", "angiography"),
        ("CT GUIDED LUNG BIOPSY", "intervention"),
        ("Complete blood count", "laboratory"),
        ("Zahnfilm", "of no part of the body that is known"),
        ("73610", "of no part of the body that is known"),
    ],
)
def test_other_procedures_are_left_out_by_what_they_are(procedure: str, what: str) -> None:
    assert judged(procedure) == Verdict("procedure", what)


@pytest.mark.parametrize(
    "procedure",
    [
        "XR ABDOMEN AND CHEST",
        "CT Chest Abdomen Pelvis w contrast",
        "CT CAP",
        "CT T-SPINE AND CHEST",
        "XR RIBS LEFT W PA CHEST",
        "CTA aorta thoracic and abdominal",
        "CT whole body trauma",
        "babygram",
    ],
)
def test_an_examination_of_chest_and_more_is_taken_as_such(procedure: str) -> None:
    assert judged(procedure) == MIXED


@pytest.mark.parametrize("procedure", ["IMG3214", "Diagnostic imaging study", "2 VIEWS PORTABLE", "12345", "CT scan"])
def test_a_procedure_that_says_nothing_leaves_it_to_the_rest(procedure: str) -> None:
    assert judged(procedure) == TAKEN
    assert judged(procedure, body_part="KNEE") == Verdict("body part", "leg")
    assert judged(procedure, text=f"EXAM: ANKLE\n{SILENT}") == Verdict("title", "leg")


class TestColumns:
    @pytest.mark.parametrize("modality", ["CR", "DX", "dr", "CT", "X-ray", "CT\\SR", "RAD", "OTHER", "Radiology"])
    def test_a_modality_that_is_asked_for_or_says_nothing(self, modality: str) -> None:
        assert judged(modality=modality) == TAKEN

    @pytest.mark.parametrize(
        ("modality", "what"),
        [
            ("US", "ultrasound"),
            ("MR", "MR"),
            ("PT\\CT", "PET"),
            ("NM", "nuclear medicine"),
            ("MG", "mammography"),
            ("RF", "fluoroscopy"),
            ("LAB", "laboratory"),
            ("Ultrasound", "ultrasound"),
        ],
    )
    def test_another_modality_is_left_out_whatever_the_procedure(self, modality: str, what: str) -> None:
        assert judged("CHEST", modality) == Verdict("modality", what)

    def test_the_procedure_says_more_than_the_part_of_the_body(self) -> None:
        assert judged("CT ABDOMEN", "CT", "CHEST") == Verdict("procedure", "abdomen")
        assert judged("XR CHEST", "CR", "ABDOMEN") == TAKEN
        assert judged("ANGIOGRAM", "CT", "CHEST") == TAKEN
        assert judged("", "CT", "CHESTABDPELVIS") == MIXED
        assert judged("", "CR", "TSPINE") == Verdict("body part", "spine")

    def test_a_column_goes_before_the_title(self) -> None:
        assert judged("XR CHEST", text="EXAM: ABDOMEN\nFINDINGS: x") == TAKEN

    def test_words_of_a_sentence_need_not_be_known(self) -> None:
        assert judged("Frontal and lateral views were obtained on the ward after the nurse had called twice") == TAKEN


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("EXAMINATION: CHEST (PA AND LAT)\nINDICATION: ankle pain\nFINDINGS: x", TAKEN),
        ("EXAM: XR ANKLE 3 VIEWS\nINDICATION: CHEST PAIN\nFINDINGS: x", Verdict("title", "leg")),
        ("EXAM: PORTABLE ABDOMEN\nFINDINGS: Lung bases are clear.", Verdict("title", "abdomen")),
        ("EXAM: CT guided biopsy of a lung nodule\nFINDINGS: x", Verdict("title", "intervention")),
        (
            "CT Abdomen and Pelvis with contrast\n\nHISTORY: chest pain\nFINDINGS: x",
            Verdict("title", "abdomen, pelvis"),
        ),
        ("MRI BRAIN WITHOUT CONTRAST\n\nNo infarct.", Verdict("title", "MR")),
        ("INDICATION: CT chest follow up\n\nKUB\n\nFINDINGS: A stone.", Verdict("title", "abdomen")),
        ("PORTABLE AP CHEST RADIOGRAPH\n\nThe heart is enlarged.", TAKEN),
        (
            "TECHNIQUE: CT of the abdomen and pelvis from the lung bases down.\nFINDINGS: x",
            Verdict("title", "abdomen, pelvis"),
        ),
        ("TECHNIQUE: Single frontal view.\nFINDINGS: x", TAKEN),
        ("CLINICAL HISTORY: mammogram, abdomen CT.\nFINDINGS: x", TAKEN),
        ("Compared with CT abdomen of last week\nthe nodule is stable.", TAKEN),
        ("The abdomen is normal.\nThe lungs are clear.", TAKEN),
        ("HEART\nNormal in size.\nLUNGS\nClear.", TAKEN),
        ("HEART SIZE NORMAL\nABDOMEN SOFT\nLUNGS CLEAR", TAKEN),
        ("ABDOMEN\nTHE LUNGS ARE CLEAR", TAKEN),
        ("Normal heart on this film\nClear lungs", TAKEN),
        (SILENT, TAKEN),
    ],
)
def test_without_columns_the_own_title_decides_and_nothing_else(text: str, verdict: Verdict) -> None:
    assert judged(text=text) == verdict


def test_the_scope_all_takes_everything_and_another_is_refused() -> None:
    ankle = Report("r", (Section("findings", "x"),), "row 1", exam=Exam(procedure=("XR ANKLE",)))
    assert Asked.of("all", None).judge(ankle) == ankle
    assert Asked.of("chest", None).judge(ankle) == LeftOut("row 1", "procedure", "leg", "r")
    with pytest.raises(UsageError, match="scope 'lungs': choose one of chest, all"):
        Asked.of("lungs", None)


def test_a_condition_tells_apart_what_is_not_so_and_what_is_open() -> None:
    asked = Asked.of("all", "age > 60")
    old, young, unknown = (
        Report("r", (Section("findings", "x"),), "row 1", fields={"age": age}) for age in ("61", "60", "")
    )
    assert asked.judge(old) == old
    assert asked.judge(young) == LeftOut("row 1", "not asked for", "age > 60", "r")
    assert asked.judge(unknown) == LeftOut(
        "row 1", "not asked for", "age > 60: open, for a cell is blank or no number", "r"
    )


def test_the_table_of_words_names_each_phrase_once_a_line_and_knows_its_kinds() -> None:
    lines = (files("ingest.scope") / "words.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")][1:]
    assert {row[0] for row in rows} == {"code", "taken", "other", "act", "chest", "region", "neutral"}
    for kind, name, words, *_ in rows:
        phrases = words.split("|")
        assert all(phrases) and len(phrases) == len(set(phrases)), (kind, name)

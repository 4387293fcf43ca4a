"""What the `rules` extractor makes of report English, by examples written for this project."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.extractors.rules import RulesExtractor
from ingest.mention import Mention
from ingest.report import Section
from kb.language.grammar.cues import written_out


def mine(text: str, section: str = "findings") -> list[Mention]:
    return RulesExtractor().mentions([Section(section, text)])


def told(text: str) -> list[tuple[str, str]]:
    """The mentions of a text as (what, assertion)."""
    return [(mention.text, mention.assertion) for mention in mine(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Small left pleural effusion.", [("Small left pleural effusion", "present")]),
        ("No pleural effusion or pneumothorax.", [("pleural effusion", "absent"), ("pneumothorax", "absent")]),
        (
            "No consolidation, effusion, or pneumothorax is seen.",
            [("consolidation", "absent"), ("effusion", "absent"), ("pneumothorax", "absent")],
        ),
        ("There is no evidence of acute fracture.", [("acute fracture", "absent")]),
        ("Heart size normal.", [("Heart size normal", "present")]),
        ("The lungs are clear.", [("lungs clear", "present")]),
        ("Heart and mediastinum are normal.", [("Heart normal", "present"), ("mediastinum normal", "present")]),
        ("The heart is normal in size and contour.", [("heart normal in size and contour", "present")]),
        ("Both lungs are clear and expanded.", [("Both lungs clear", "present"), ("Both lungs expanded", "present")]),
        ("The heart is not enlarged.", [("heart enlarged", "absent")]),
        ("The lungs are free of focal consolidation.", [("lungs focal consolidation", "absent")]),
        (
            "Lungs are clear without effusion or edema.",
            [("Lungs clear", "present"), ("effusion", "absent"), ("edema", "absent")],
        ),
        ("Bones show no acute abnormality.", [("Bones acute abnormality", "absent")]),
        ("Lateral view shows mild kyphosis.", [("mild kyphosis", "present")]),
        ("No acute, displaced rib fractures.", [("acute, displaced rib fractures", "absent")]),
        (
            "Cardiac and mediastinal silhouettes are normal.",
            [("Cardiac silhouettes normal", "present"), ("mediastinal silhouettes normal", "present")],
        ),
        (
            "Cardiac, mediastinal and hilar contours are normal.",
            [
                ("Cardiac contours normal", "present"),
                ("mediastinal contours normal", "present"),
                ("hilar contours normal", "present"),
            ],
        ),
        (
            "Degenerative changes and osteopenia of the thoracic spine.",
            [
                ("Degenerative changes of the thoracic spine", "present"),
                ("osteopenia of the thoracic spine", "present"),
            ],
        ),
        ("Right PICC with tip in the SVC.", [("Right PICC with tip in the SVC", "present")]),
        (
            "Low lung volumes with minimal left basilar opacity.",
            [("Low lung volumes", "present"), ("minimal left basilar opacity", "present")],
        ),
        ("NO EFFUSION. HEART SIZE IS NORMAL.", [("EFFUSION", "absent"), ("HEART SIZE NORMAL", "present")]),
        ("Pneumothorax: none\nEffusion: small, left", [("Pneumothorax", "absent"), ("Effusion small left", "present")]),
    ],
)
def test_an_observation_is_one_statement_about_one_thing(text: str, expected: list[tuple[str, str]]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Opacity may represent pneumonia.", [("Opacity", "present"), ("pneumonia", "uncertain")]),
        ("Opacity concerning for pneumonia.", [("Opacity", "present"), ("pneumonia", "uncertain")]),
        ("Opacity consistent with pneumonia.", [("Opacity", "present"), ("pneumonia", "present")]),
        ("Possible small right effusion.", [("small right effusion", "uncertain")]),
        ("Questionable left lower lobe nodule.", [("left lower lobe nodule", "uncertain")]),
        ("Pneumonia cannot be excluded.", [("Pneumonia", "uncertain")]),
        ("Atelectasis versus infiltrate.", [("Atelectasis", "uncertain"), ("infiltrate", "uncertain")]),
        (
            "Nodule, likely a granuloma.",
            [("Nodule", "present"), ("granuloma", "uncertain")],
        ),
        (
            "Retrocardiac opacity, which could be atelectasis or pneumonia.",
            [("Retrocardiac opacity", "present"), ("atelectasis", "uncertain"), ("pneumonia", "uncertain")],
        ),
    ],
)
def test_a_hedge_makes_what_it_hedges_uncertain(text: str, expected: list[tuple[str, str]]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Lungs are clear.No effusion.Heart size normal.", ["Lungs clear", "-effusion", "Heart size normal"]),
        ("HEART SIZE NORMAL.NO INFILTRATES.", ["HEART SIZE NORMAL", "-INFILTRATES"]),
        ("Heart is normal in size .The lungs are clear.", ["Heart normal in size", "lungs clear"]),
        ("PNEUMONIA CANNOT BE EXCLUDED.", ["?PNEUMONIA"]),
        ("Left basal opacity ?infection.", ["Left basal opacity", "?infection"]),
        ("Opacity???", ["?Opacity"]),
        ("[x] Cardiomegaly\n[ ] Pneumothorax\n[?] Pneumonia", ["Cardiomegaly", "-Pneumothorax", "?Pneumonia"]),
        ("Lungs: Clear\nBones: Old rib fractures", ["Lungs Clear", "Old rib fractures"]),
        ("Effusion, right: Small\nEffusion, left: None", ["Effusion, right Small", "-Effusion, left"]),
        ("Aorta: tortuous, calcified", ["Aorta tortuous", "Aorta calcified"]),
        ("hyperinflated lungs c/w COPD. clips s/p CABG.", ["hyperinflated lungs", "COPD", "clips", "CABG"]),
        ("Right basal collapse/consolidation.", ["Right basal collapse", "Right basal consolidation"]),
        ("No hilar or mediastinal lymphadenopathy.", ["-hilar lymphadenopathy", "-mediastinal lymphadenopathy"]),
        ("No rib or clavicle fractures.", ["-rib fractures", "-clavicle fractures"]),
        ("Normal heart and mediastinum.", ["Normal heart", "Normal mediastinum"]),
        (
            "Fractures of the left fifth and sixth ribs.",
            ["Fractures of the left fifth ribs", "Fractures of the left sixth ribs"],
        ),
        ("Consolidation in the right mid and lower zones.", ["in the right mid zones", "in the right lower zones"]),
        ("Small effusions, larger on the right.", ["Small effusions, larger on the right"]),
        ("L IJ line, tip in the SVC.", ["L IJ line, tip in the SVC"]),
        (
            "Pacer leads projected over the right atrium and right ventricle.",
            ["Pacer leads projected over the right atrium and right ventricle"],
        ),
        ("Septal (Kerley B) lines.", ["Septal (Kerley B) lines"]),
        ("The previously noted effusion has resolved.", ["-effusion"]),
        ("The tube and the line have been removed.", ["-tube", "-line"]),
        ("The vessels are no longer engorged.", ["-vessels engorged"]),
        ("Complete clearing of the infiltrate.", ["-infiltrate"]),
        ("No change in the small nodule.", ["small nodule"]),
        ("Nothing to suggest failure.", ["-failure"]),
        ("No focal lesion apart from a granuloma.", ["-focal lesion", "granuloma"]),
        ("Left effusion, recommend CT.", ["Left effusion"]),
        ("Enteric tube should be advanced 6 cm.", []),
        ("Opacity most likely reflects atelectasis.", ["Opacity", "?atelectasis"]),
        ("The opacity is likely atelectasis.", ["opacity", "?atelectasis"]),
        ("Aspiration or pneumonia is not excluded.", ["?Aspiration", "?pneumonia"]),
        ("Appearances favour infection over oedema.", ["?infection", "?oedema"]),
        ("Cavitary lesion, infection versus neoplasm.", ["Cavitary lesion", "?infection", "?neoplasm"]),
        ("Streaky opacity, XXXX atelectasis.", ["Streaky opacity", "?atelectasis"]),
        ("Mediastinum is widened, and aortic injury cannot be excluded.", ["widened", "?aortic injury"]),
        ("Pleural effusions basilar atelectasis.", ["Pleural effusions", "basilar atelectasis"]),
        ("No pneumothorax on this supine film.", ["-pneumothorax"]),
        ("Borderline heart size.", ["Borderline heart size"]),
        ("No increase in the effusion.", ["effusion"]),
        ("There is no change in the right effusion.", ["right effusion"]),
        ("Pulmonary edema has not resolved.", ["Pulmonary edema"]),
        ("The pneumothorax has partially resolved.", ["pneumothorax"]),
        ("Effusion, which has resolved.", ["-Effusion"]),
        ("Pneumonia is unlikely.", ["?Pneumonia"]),
        ("This is unlikely to represent pneumonia.", ["?pneumonia"]),
        ("There isn't a pneumothorax.", ["-pneumothorax"]),
        ("Pneumothorax isn't seen.", ["-Pneumothorax"]),
        ("No effusion, heart normal.", ["-effusion", "heart normal"]),
        ("No focal consolidation, small left effusion.", ["-focal consolidation", "small left effusion"]),
        ("No pneumothorax, stable cardiomegaly.", ["-pneumothorax", "cardiomegaly"]),
        ("Consolidation: negative", ["-Consolidation"]),
        ("New right effusion since the prior study where none was seen.", ["right effusion"]),
        ("No acute findings besides mild atelectasis.", ["-acute findings", "mild atelectasis"]),
        ("Chest tube was removed, no pneumothorax.", ["-Chest tube", "-pneumothorax"]),
        ("Not only cardiomegaly but also edema.", ["cardiomegaly", "edema"]),
        ("Findings do not suggest pneumonia.", ["-pneumonia"]),
        ("Atelectasis is favored over pneumonia.", ["?Atelectasis", "?pneumonia"]),
        ("No opacity concerning for pneumonia.", ["-opacity", "-pneumonia"]),
        ("A right pneumothorax is seen and was discussed with Dr. Y.", ["right pneumothorax"]),
        ("There is a right pneumothorax and Dr. Y was notified.", ["right pneumothorax"]),
        ("Small effusion as described above.", ["Small effusion"]),
        ("Large effusion limits evaluation of the left base.", ["Large effusion"]),
        ("Compared to prior exam the effusion has increased.", ["effusion"]),
        ("Given low lung volumes, heart size is normal.", ["low lung volumes", "heart size normal"]),
        ("There is no longer a left pneumothorax.", ["-left pneumothorax"]),
        ("Opacity is present, as is a small effusion.", ["Opacity", "small effusion"]),
        ("No e/o PNA, PTX or CHF.", ["-PNA", "-PTX", "-CHF"]),
        ("1.No effusion 2.Cardiomegaly", ["-effusion", "Cardiomegaly"]),
        ("Effusion&edema", ["Effusion", "edema"]),
        ("Unable to exclude pneumothorax.", ["?pneumothorax"]),
        ("Pneumonia has been excluded by CT.", ["-Pneumonia"]),
        ("Neg for PNA.", ["-PNA"]),
        ("IT IS UNCLEAR WHETHER THERE IS A LEFT EFFUSION.", ["?LEFT EFFUSION"]),
        ("( ) Nodule\n(X) Atelectasis LLL", ["-Nodule", "Atelectasis LLL"]),
    ],
)
def test_reports_of_many_hands_read_as_they_are_meant(text: str, expected: list[str]) -> None:
    signs = {"present": "", "absent": "-", "uncertain": "?"}
    found = [signs[assertion] + what for what, assertion in told(text)]
    assert len(found) == len(expected), found
    for one, wanted in zip(found, expected, strict=True):
        assert one.endswith(wanted) and (wanted[0] in "-?") == (one[0] in "-?"), found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Stable cardiomegaly with new effusion.", ["stable", "new"]),
        ("Cardiomegaly and effusion are unchanged.", ["stable", "stable"]),
        ("Effusion is unchanged, pneumothorax has increased.", ["stable", "increased"]),
        ("Old rib fractures, new pneumothorax.", ["historical", "new"]),
        ("New left effusion and right pneumothorax.", ["new", "new"]),
        ("The edema has not resolved.", ["stable"]),
        ("Near complete resolution of the effusion.", ["decreased"]),
        ("Previously seen right pneumothorax has resolved.", ["resolved"]),
    ],
)
def test_each_mention_has_the_comparison_of_its_own(text: str, expected: list[str]) -> None:
    assert [mention.temporality for mention in mine(text)] == expected


def test_measurements_are_kept_with_their_units() -> None:
    first, second, third = mine("A 2.4 x 1.9 cm mass. ETT 4.5cm above the carina. Two nodules at T8.")
    assert [(m.value, m.unit) for m in first.measurements] == [(2.4, "cm"), (1.9, "cm")]
    assert [(m.value, m.unit) for m in second.measurements] == [(4.5, "cm")]
    assert third.measurements == ()


@pytest.mark.parametrize(
    ("text", "certainty"),
    [("Likely pneumonia.", "probable"), ("Possible pneumonia.", "possible"), ("Pneumonia.", "definite")],
)
def test_likely_is_more_than_possible(text: str, certainty: str) -> None:
    assert [mention.certainty for mention in mine(text)] == [certainty]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The effusion has resolved.", [("effusion", "absent")]),
        ("The pneumothorax is no longer seen.", [("pneumothorax", "absent")]),
        ("Interval removal of the chest tube.", [("chest tube", "absent")]),
        ("Pneumothorax is not seen.", [("Pneumothorax", "absent")]),
        ("Effusion has decreased.", [("Effusion", "present")]),
        ("Stable cardiomegaly.", [("cardiomegaly", "present")]),
        ("Cardiomegaly is unchanged since the prior study.", [("Cardiomegaly", "present")]),
    ],
)
def test_what_is_gone_is_absent_and_what_changed_is_present(text: str, expected: list[tuple[str, str]]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    ("text", "temporality"),
    [
        ("New right pneumothorax.", "new"),
        ("Stable cardiomegaly.", "stable"),
        ("The effusion has increased.", "increased"),
        ("Improved edema.", "decreased"),
        ("The effusion has resolved.", "resolved"),
        ("Old rib fracture.", "historical"),
        ("Rib fracture.", "current"),
    ],
)
def test_comparison_is_of_the_mention_and_not_of_the_concept(text: str, temporality: str) -> None:
    (mention,) = mine(text)
    assert mention.temporality == temporality


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n ",
        "...",
        "Mediastinum is stable.",
        "No significant interval change.",
        "Clinical correlation is recommended.",
        "Two views of the chest were obtained.",
        "Discussed with Dr. Smith by telephone at 5 p.m.",
        "Recommend CT for further evaluation.",
        "The examination is limited by motion.",
        "XXXX are normal.",
        "Heart.",
    ],
)
def test_what_says_nothing_about_the_image_gives_nothing(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize(
    ("text", "laterality", "severity"),
    [
        ("Small left effusion.", "left", "Small"),
        ("Mildly enlarged heart.", "none", "Mildly"),
        ("Bibasilar atelectasis.", "bilateral", "none"),
        ("Lungs are clear bilaterally.", "bilateral", "none"),
        ("No large right-sided pneumothorax.", "right", "large"),
        ("Enlarged right ventricle.", "none", "none"),
        ("Tip in the right atrium.", "none", "none"),
        ("Opacities in the left and right bases.", "bilateral", "none"),
    ],
)
def test_side_and_size_stand_in_the_mention(text: str, laterality: str, severity: str) -> None:
    mention = mine(text)[0]
    assert (mention.laterality, mention.severity) == (laterality, severity)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No CT evidence of pulmonary embolism.", ["-pulmonary embolism"]),
        ("Without overt evidence of adenopathy.", ["-adenopathy"]),
        ("No CT or sonographic evidence of fracture.", ["-fracture"]),
        ("No left basal evidence of consolidation.", ["-left basal consolidation"]),
        ("No prior evidence of fracture.", ["-fracture"]),
        ("The aorta does not show evidence of dissection.", ["-aorta dissection"]),
        ("Radiographs did not clearly reveal any evidence of fracture.", ["-fracture"]),
        ("The exam fails to demonstrate gross evidence of edema.", ["-edema"]),
        ("I do not see evidence for fracture.", ["-fracture"]),
        ("Negative CT for embolism.", ["-embolism"]),
        ("No CT findings suggesting pneumonia.", ["-CT findings", "-pneumonia"]),
        ("No opacity consistent with pneumonia.", ["-opacity", "-pneumonia"]),
        ("There may be slight evidence of pneumonia.", ["?pneumonia"]),
        ("There is little evidence of pneumonia.", ["?pneumonia"]),
        ("Opacity may represent early radiographic evidence of pneumonia.", ["Opacity", "?pneumonia"]),
        ("Cannot exclude subtle evidence of edema.", ["?edema"]),
        ("There is CT evidence of edema.", ["edema"]),
        ("No effusion or radiographic evidence of edema.", ["-effusion", "-edema"]),
        ("No effusion, CT evidence of edema, or fracture.", ["-effusion", "-edema", "-fracture"]),
        ("No lepidic focus or evidence of edema.", ["-lepidic focus", "-edema"]),
        ("No effusion, CT evidence of edema.", ["-effusion", "edema"]),
        ("No effusion but radiographic evidence of edema.", ["-effusion", "edema"]),
        ("No pneumothorax, findings consistent with edema.", ["-pneumothorax", "edema"]),
    ],
)
def test_evidence_is_meant_as_the_denial_or_hedge_before_it(text: str, expected: list[str]) -> None:
    mark = {"present": "", "absent": "-", "uncertain": "?"}
    assert [mark[assertion] + what for what, assertion in told(text)] == expected


CUES = [
    written_out(row.split("\t")[0])[-1]
    for row in (files("kb.language.grammar") / "cues.tsv").read_text(encoding="utf-8").splitlines()
    if row.split("\t")[-1] in ("deny", "free", "doubt", "likely")
]
DESCRIBING = [
    "CT",
    "significant",
    "overt",
    "metastatic",
    "plain film",
    "pleural",
    "right-sided",
    "early x-ray",
    "strong",
]


@pytest.mark.soak
@settings(max_examples=400, deadline=None)
@given(st.sampled_from(CUES), st.sampled_from(DESCRIBING) | st.from_regex(r"z[aeiou]rb(ic|al|y)", fullmatch=True))
def test_a_word_before_evidence_never_changes_what_is_said(cue: str, word: str) -> None:
    plain, described = (told(f"{cue} {words} of edema.") for words in ("evidence", f"{word} evidence"))
    meant = [assertion for what, assertion in plain if "edema" in what]
    if word == "CT" and cue.endswith("suggest"):
        meant = []  # "suggest CT" is advice
    assert [assertion for what, assertion in described if "edema" in what] == meant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No consolidation, large pleural effusion/pneumothorax.", ["absent"] * 3),
        ("No consolidation, large effusion, pneumothorax.", ["absent"] * 3),
        ("Without edema, large effusion and/or pneumothorax.", ["absent"] * 3),
        ("No consolidation, large left effusion.", ["absent", "present"]),
        ("No pneumothorax, small effusion/atelectasis.", ["absent", "present", "present"]),
        ("No pneumothorax, large effusion, mild edema.", ["absent", "present", "present"]),
    ],
)
def test_a_denied_list_goes_on_over_something_large(text: str, expected: list[str]) -> None:
    assert [assertion for _, assertion in told(text)] == expected


@pytest.mark.parametrize("mark", ["XXXX", "___", "[**Hospital**]", "xxxx"])
def test_a_removed_word_is_never_quoted(mark: str) -> None:
    text = f"Blunted left costophrenic {mark} with {mark} effusion."
    for mention in mine(text):
        assert mark not in mention.text


def test_a_removed_hedge_leaves_a_guess() -> None:
    assert told("Calcified nodule, XXXX representing a granuloma.")[-1] == ("granuloma", "uncertain")


def test_a_hedged_mention_belongs_to_the_affirmed_concept() -> None:
    hedged, affirmed, denied = mine("Possible pneumonia. Pneumonia. No pneumonia.")
    assert hedged.facets == affirmed.facets
    assert denied.facets.concept_id != affirmed.facets.concept_id
    assert denied.facets.text == "no pneumonia"


def test_an_abbreviation_that_the_report_defines_is_understood() -> None:
    mentions = mine("Concern for pulmonary alveolar proteinosis (PAP). No new PAP.")
    assert mentions[-1].facets.concept_id == mine("No pulmonary alveolar proteinosis.")[0].facets.concept_id
    assert mentions[-1].text == "PAP"


def test_each_sentence_keeps_its_place() -> None:
    text = "1. No effusion. 2. Small nodule."
    first, second = mine(text)
    assert (first.sentence, second.sentence) == (0, 1)
    assert text[slice(*second.sentence_span)] == "Small nodule."


def test_the_fingerprint_tells_the_tables_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    before = RulesExtractor().fingerprint
    assert before == RulesExtractor().fingerprint
    monkeypatch.setattr("ingest.extractors.rules.FINGERPRINT", "edited")
    assert RulesExtractor().fingerprint != before


VOCABULARY = """
no without mild left lungs heart are is clear pleural effusion or and , . / ( ) XXXX may represent versus opacity in the
right base not seen : 1. free of with tip unchanged pneumonia but cannot be excluded w/ s/p ? [x] [ ] superior
fifth ribs effusion/edema should be advanced previously noted favor over resolved otherwise ,
XXXX is likely larger than right
"""
WORDS = st.sampled_from(VOCABULARY.split())


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=120), st.lists(WORDS, max_size=25).map(" ".join)))
def test_any_text_gives_spans_that_lie_in_it_in_order(text: str) -> None:
    for mention in mine(text):
        ends = [0]
        for start, end in mention.spans:
            assert ends[-1] <= start < end <= len(text)
            ends.append(end)
        assert mention.text == " ".join(text[start:end] for start, end in mention.spans)
        assert mention.sentence_span[0] <= mention.spans[0][0] < mention.spans[-1][1] <= mention.sentence_span[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The PICC tip is not seen.", "present"),
        ("The tip of the PICC is not clearly visualized.", "present"),
        ("The PICC is not seen.", "absent"),
        ("The effusion is not new.", "present"),
        ("Cardiac enlargement, not new.", "present"),
        ("The left effusion is not increased.", "present"),
        ("The heart is not enlarged.", "absent"),
    ],
)
def test_what_is_not_seen_of_a_thing_or_not_new_about_it_does_not_deny_it(text: str, expected: str) -> None:
    assert [assertion for _, assertion in told(text)] == [expected]

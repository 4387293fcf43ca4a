"""What is taken for an identifier in the text of a report, and what is not."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.extractors.deidentified import Deidentified
from ingest.extractors.rules import RulesExtractor
from ingest.identifiers.identifiers import MARK, identifiers_in, without_identifiers
from ingest.report import Section


def taken_out(text: str) -> list[str]:
    return [text[start:end] for start, end in identifiers_in(text)]


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("Mr QUAGGAWORD was told.", "Mr QUAGGAWORD"),
        ("Dr. Smith was told of the effusion.", "Dr. Smith"),
        ("dr smith was told of the effusion.", "dr smith"),
        ("DR. OKONKWO WAS PAGED.", "DR. OKONKWO"),
        ("Findings were discussed with Jane Doe RN.", "Jane Doe"),
        ("findings were discussed with jane doe rn", "jane doe"),
        ("Seen by J. Miller MD.", "J. Miller"),
        ("pt. john has a left effusion", "john"),
        ("Case reviewed with Prof. van der Berg.", "Prof. van der Berg"),
        ("Called to Nguyen in the ER.", "Nguyen"),
        ("Quaggaword was notified.", "Quaggaword"),
        ("Effusion in Quaggaword is new.", "Quaggaword"),
        ("The daughter, Siobhan, was informed.", "Siobhan"),
        ("Findings relayed to Mrs. Hernández-Ruiz.", "Mrs. Hernández-Ruiz"),
        ("quaggaword thinks this is a mass", "quaggaword"),
        ("Quaggaword's right effusion is larger.", "Quaggaword's"),
        ("LEFT EFFUSION OKAPILINE FAMILY AWARE.", "OKAPILINE"),
        ("Enlarged hilum (Levy).", "Levy"),
        ("BIOPSY BY CAMPBELL AT NOON.", "CAMPBELL"),
        ("W/O QUAGGAWORD TORTUOUS AORTA.", "W/O QUAGGAWORD"),
        ("Smt Okapiline has nodules.", "Smt Okapiline"),
        ("A contact of Will Schmidt has it.", "Will"),
        ("Labelled as Okapiline Hill but is not.", "Hill"),
        ("Treated last year by Cross.", "Cross"),
        ("told to wife zorbicline on the phone", "wife zorbicline"),
        ("Discussed with Drs. Okapiline, Ngo, and Vu.", "Drs. Okapiline, Ngo, and Vu"),
        ("Pleurisy, Vu, both bases, better.", "Vu"),
        ("Bin Okapiline mass is larger.", "Bin"),
        ("zorbicline nodule is unchanged", "zorbicline"),
        ("The Okapiline/Zorbicline stent is patent.", "Zorbicline"),
        ("BROWN'S LEFT APEX IS CLEAR.", "BROWN'S"),
        ("Surgeon Snow reached at home.", "Surgeon Snow"),
        ("Measured by reader QBX.", "QBX"),
        ("No change. QBX/zr", "QBX/zr"),
        ("no change.\nqbx/zrf  d: 07/23/2004", "qbx/zrf"),
        ("No change.\nDT: 07/23/2004\nqbx", "qbx"),
        ("NEW EFFUSION.\nZOR LONG MD", "ZOR LONG"),
    ],
)
def test_a_name_is_found_with_its_title_in_any_case(text: str, identifier: str) -> None:
    assert identifier in taken_out(text)


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("Compared to 01/02/2024.", "01/02/2024"),
        ("Compared to the film of January 5, 2024.", "January 5, 2024"),
        ("New since 5-Jan-24.", "5-Jan-24"),
        ("Called at 3:45 pm.", "3:45 pm"),
        ("MRN: 4471823", "4471823"),
        ("Accession number A-2231", "A-2231"),
        ("Phone (555) 123-4567.", "(555) 123-4567"),
        ("Pager 12345.", "12345"),
        ("Write to j.smith@example.org.", "j.smith@example.org"),
        ("A 94-year-old man.", "94"),
        ("Aged 101.", "101"),
        ("Films from Mercy General Hospital.", "Mercy"),
        ("transferred from springfield", "springfield"),
        ("NHS number 943 476 5919", "943 476 5919"),
        ("Hodgkin lymphoma in New York.", "New York"),
        ("Seen in los angeles last week.", "los angeles"),
        ("Film from St. Louis.", "St. Louis"),
        ("John Smith lines unchanged.", "Smith"),
        ("Patient Jane Doe Intubated.", "Jane Doe"),
        ("Discussed with Dr. Treitz.", "Dr. Treitz"),
        ("Works at Zorbic General Hospital, Okapiford.", "Okapiford"),
        ("a farmer from okapiford", "okapiford"),
        ("Seen in Ward 3A Okapigrove.", "Okapigrove"),
        ("Moved to room 7-449, side room 22, bed 12.", "7-449"),
        ("From St. Okapius's.", "St. Okapius's"),
        ("Clinic of 7Dec2022.", "7Dec2022"),
        ("Seen at 5 46 pm.", "5 46 pm"),
        ("Call back on 380 7703.", "380 7703"),
        ("Fell at 68 Okapi Nagar.", "68 Okapi Nagar"),
        ("Stable since March.", "March"),
        ("Moderate cardiomegaly, bed D9.", "D9"),
        ("The 5 a.m. film is better.", "5 a.m."),
        ("Tube changed last Tuesday 20th.", "Tuesday 20th"),
        ("Fell on Okapi Avenue.", "Okapi Avenue"),
        ("Medicare no 645-47-5519", "no 645-47-5519"),
        ("Placed tuesday before last.", "tuesday before last"),
        ("Biopsied this past Wednesday.", "this past Wednesday"),
        ("Stable since june tenth twenty sixteen.", "june tenth twenty sixteen"),
        ("Portable earlier, 0815.", "0815"),
        ("AP upright 1430.", "1430"),
        ("Changed on tueday.", "tueday"),
        ("Tried at 18.15 and 09.00.", "18.15 and 09.00"),
        ("Sent 3-17 14:05.", "3-17"),
        ("Pulled at half past nine.", "half past nine"),
        ("Repositioned at eleven oh five a.m. today.", "eleven oh five a.m."),
        ("Hit by a van, plate QBX-114.", "QBX-114"),
        ("Beeper Q4410.", "Q4410"),
        ("cc: G. Zorb, Old Mill Road, El Okapi 61817", "Old Mill Road"),
        ("cc: G. Zorb, Old Mill Road, El Okapi 61817", "El Okapi"),
    ],
)
def test_a_number_a_date_or_a_place_of_somebody_is_found(text: str, identifier: str) -> None:
    assert any(identifier in found for found in taken_out(text))


@pytest.mark.parametrize(
    "text",
    [
        "The Swan-Ganz catheter and the Hickman line are unchanged.",
        "Kerley B lines. Ghon complex. Hampton hump. Pancoast tumor. Chilaiditi sign.",
        "The Dobhoff tube is below the diaphragm. Right Port-A-Cath.",
        "Zenker diverticulum beside a Hickman catheter, and an Amplatzer device.",
        "Peribronchial cuffing, levoscoliosis, postobstructive pneumonitis, a nondilated oesophagus.",
        "Cardiomegaly and effussion. Diaphragmatc hernia. Atraumatic. Preop film.",
        "ST ELEVATION. W/O EFFUSION. Son reports cough. Surgeon advised. Radiographer noted rotation.",
        "B/L pleural effusion, R > L. Blalock-Taussig shunt clips. St. Jude valve. Farmer's lung.",
        "MitraClip noted over the mitral annulus. Pneumatocele and haematopoiesis. Chest tube by Surgery.",
        "Bed rest. Rooms are not measured. Ribs 9/10 are intact. A march fracture may be new.",
        "A 12 x 10 x 9 mm nodule, previously 8 mm, in a 62-year-old man.",
        "Fractures of ribs 9/10; T5-T6 disc space; 4.5 cm above the carina.",
        "Discussed with the covering team. The patient was told. PA and lateral views.",
        "Monday hazards of byssinosis since 2015.",
        "Baker's cyst. Singer's nodules. Miner's lung. The patient's heart. Today's film.",
        "Discussed with lung transplant team. Read per lung protocol.",
        "In the past two to three weeks. Findings may first appear late. AP/PA. A 6-hole plate and 2 plates.",
        "NO FOCAL CONSOLIDATION. HEART SIZE NORMAL. MR OF THE CHEST IS ADVISED.",
    ],
)
def test_what_names_a_thing_or_measures_it_stays(text: str) -> None:
    assert taken_out(text) == []


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("ETT above the carina, d/w RN Okapiline bed 3.", {"endotracheal tube": "present"}),
        ("Moderate cardiomegaly, bed 3.", {"cardiomegaly": "present"}),
        ("Medicare no 645-47-5519 old granulomatous disease.", {"granulomatous disease": "present"}),
        ("W/O Okapiline tortuous aorta.", {"aortic tortuosity": "present"}),
        ("Small right effusion attn Jane Okapiline\nThere is a small left effusion.", {"pleural effusion": "present"}),
    ],
)
def test_what_is_taken_out_turns_no_finding_round(text: str, findings: dict[str, str]) -> None:
    (found,) = Deidentified(RulesExtractor()).extract([[Section("findings", text)]])
    told = {one.facets.finding: one.facets.assertion for one in found.mentions}
    assert findings.items() <= told.items()
    assert "absent" not in told.values()


def test_each_character_that_is_no_identifier_stays_where_it_was() -> None:
    text = "Dr. Smith was told\nof the left effusion on 01/02/2024."
    assert without_identifiers(text) == "_________ was told\nof the left effusion on 11/11/1111."


@pytest.mark.parametrize("filled_with", ["x", "1", "X9", "a-", "x.", "_"])
def test_a_word_of_no_length_that_words_have_is_taken_out_in_no_time(filled_with: str) -> None:
    word = filled_with * (100_000 // len(filled_with))
    began = time.process_time()
    assert taken_out(f"Left effusion {word} of Dr. Okapiline.") == [word, "Dr. Okapiline"]
    assert time.process_time() - began < 5  # looked into, it takes minutes


@given(st.text(max_size=200))
def test_no_text_changes_its_length_or_its_lines(text: str) -> None:
    left = without_identifiers(text)
    assert len(left) == len(text)
    assert [at for at, sign in enumerate(left) if sign == "\n"] == [at for at, sign in enumerate(text) if sign == "\n"]


@given(st.lists(st.sampled_from(["Dr. Smith", "effusion", "of", "01/02/2024", "Hickman", "MRN 1234567", "\n", "no"])))
def test_what_is_left_holds_no_identifier_any_more(words: list[str]) -> None:
    left = without_identifiers(". ".join(words))
    assert not re.search(r"Smith|2024|1234567", left)
    assert left.count("Hickman") == words.count("Hickman")
    assert all(MARK in left[start:end] or set(left[start:end]) <= set("1/. ") for start, end in identifiers_in(left))


@pytest.mark.parametrize("line", (Path(__file__).parent / "kept.txt").read_text(encoding="utf-8").splitlines())
def test_what_is_named_after_somebody_a_position_or_a_size_is_of_nobody(line: str) -> None:
    assert taken_out(line) == []

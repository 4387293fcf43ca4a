"""Reports with planted identifiers: templates, lists of names and places, drawn from a seed; two sets written apart.

The rules were written with the first set at hand. The second has other templates, other names (most of them in no
table of ours) and other positions; its first reading is the figure in bench/RESULTS.md.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

FINDINGS = (
    "Small left pleural effusion.",
    "No pneumothorax.",
    "The heart is enlarged.",
    "Right basilar atelectasis is unchanged.",
    "Hickman catheter tip in the SVC.",
    "Kerley B lines at both bases.",
    "Dobhoff tube below the diaphragm.",
    "Healed left rib fractures.",
    "Calcified Ghon complex in the right lower lobe.",
)


@dataclass(frozen=True)
class Style:
    """How one kind of report is written: its sentences, and what is planted in them."""

    given: Sequence[str]
    surnames: Sequence[str]
    places: Sequence[str]
    templates: Sequence[str]


@dataclass(frozen=True)
class Planted:
    """One report and the identifiers in it, each as it stands there."""

    text: str
    identifiers: tuple[str, ...]


DEV = Style(
    given=(
        "Jane",
        "John",
        "Maria",
        "Priya",
        "Wei",
        "Ahmed",
        "Siobhan",
        "Oluwaseun",
        "Carlos",
        "Yuki",
        "Fatima",
        "Giovanni",
        "Ingrid",
        "Kwame",
        "Linh",
    ),
    surnames=(
        "Smith",
        "Doe",
        "Miller",
        "Hernández",
        "Patel",
        "Nguyen",
        "Okonkwo",
        "O'Brien",
        "Kim",
        "Al-Hassan",
        "Kowalski",
        "García",
        "Yamamoto",
        "Mensah",
        "Rossi",
        "Quaggaword",
    ),
    places=("Mercy General", "St. Mary's", "Springfield Memorial", "Royal Infirmary", "Lakeview"),
    templates=(
        "Findings discussed with Dr. {s} at {time} on {date}.",
        "Dr {s} was told of the left effusion.",
        "Mr {s} was told.",
        "Discussed with {g} {s} RN by telephone.",
        "Seen by {i}. {s} MD.",
        "pt. {g} has a left effusion",
        "{g} {s} has a right pneumothorax.",
        "Compared to the study of {date} at {p} Hospital.",
        "MRN {mrn}. Right lower lobe opacity.",
        "Critical result called to {s} on pager {pager}.",
        "{age}-year-old patient with a left lung mass.",
        "Contact {email} about the left nodule.",
        "Ms. {s}'s left effusion is larger.",
        "Accession: {acc}. Small right effusion of {s}.",
        "Nurse {g} acknowledged the large pneumothorax.",
        "Transferred from {p} Hospital with left rib fractures.",
    ),
)

HELD_OUT = Style(
    given=(
        "Thandiwe",
        "Zsófia",
        "Aoife",
        "Bjørn",
        "Xiomara",
        "Tatsuya",
        "Ngozi",
        "Eilidh",
        "Vasilios",
        "Parvati",
        "Jerome",
        "Quynh",
        "Lachlan",
        "Zainab",
    ),
    surnames=(
        "Wojciechowski",
        "Mbeki",
        "Papadopoulos",
        "Featherstonehaugh",
        "Thistlethwaite",
        "Ramaswamy",
        "Ibáñez",
        "Takahashi",
        "Oyelaran",
        "Vlk",
        "Brannigan",
        "Szczepański",
        "Dlamini",
        "Zhou",
        "Blorptown",
        "Vexlerov",
        "Cheung",
        "Underhill",
    ),
    places=("Queen Elizabeth", "Sankt Georg", "Groote Schuur", "Tanglewood", "Hôpital Saint-Louis", "Kilbride"),
    templates=(
        "The results were communicated to {g} {s}, NP, at {time}.",
        "Large left effusion, Dr. {s} aware.",
        "Prof. {s} and Dr. {t} reviewed the left upper lobe mass.",
        "Mrs. {g} {s} presented with a cough. No focal consolidation.",
        "Left apical pneumothorax was conveyed by telephone to the registrar, {s}, on {date}.",
        "Prior film from {p} Hospital dated {date} shows the same nodule.",
        "Hospital number {mrn}: stable cardiomegaly.",
        "Bleep {pager} if the left tube is moved.",
        "Age {age}. Osteopenia of the thoracic spine.",
        "Dictated by {i}.{i} {s}. Clear lungs.",
        "Patient name: {g} {s}. Right hilar mass.",
        "Left lower lobe collapse, informed {s} ({pager2}).",
        "Husband {g} was informed of the right effusion.",
        "DOB {date}. Moderate right effusion.",
        "Verbal report to sister {s} on ward: tube in right main bronchus.",
        "Right nodule unchanged since {p} Clinic film of {date}.",
        "For {s}, {g}: no pneumothorax, small left effusion.",
        "Case d/w {s} (surgery), who will see the left chest tube.",
    ),
)


def planted(style: Style, count: int, *, seed: int) -> list[Planted]:
    """Reports of a style: mixed case, small letters, capitals, and a slip of the typist in some names."""
    drawn = random.Random(seed)
    return [_report(style, drawn) for _ in range(count)]


def _report(style: Style, drawn: random.Random) -> Planted:
    sentences, told = [drawn.choice(FINDINGS)], []
    for template in drawn.sample(style.templates, 3):
        values = _values(style, drawn)
        sentences.append(template.format(**values))
        told += [value for name, value in values.items() if f"{{{name}}}" in template and name != "i"]
        sentences.append(drawn.choice(FINDINGS))
    written = drawn.choices((str, str.lower, str.upper), (6, 2, 2))[0]
    return Planted(written(" ".join(sentences)), tuple(map(written, told)))


def _values(style: Style, drawn: random.Random) -> dict[str, str]:
    year, month, day = drawn.randint(2001, 2024), drawn.randint(1, 12), drawn.randint(13, 28)
    surname, other = (_slipped(drawn.choice(style.surnames), drawn) for _ in range(2))
    date = drawn.choice(
        (f"{month:02}/{day}/{year}", f"{day}.{month}.{year}", f"{year}-{month:02}-{day}", f"{day} March {year}")
    )
    return {
        "g": drawn.choice(style.given),
        "s": surname,
        "t": other,
        "i": drawn.choice("ABDEGHJKLM"),
        "p": drawn.choice(style.places),
        "date": date,
        "time": f"{drawn.randint(1, 12)}:{drawn.randint(10, 59)} pm",
        "mrn": str(drawn.randint(1_000_000, 9_999_999)),
        "acc": f"CR-{drawn.randint(100_000, 999_999)}",
        "pager": str(drawn.randint(10_000, 99_999)),
        "pager2": f"{drawn.randint(200, 999)}-{drawn.randint(1_000, 9_999)}",
        "age": str(drawn.randint(90, 107)),
        "email": f"{surname.lower()}@example.org",
    }


def _slipped(name: str, drawn: random.Random) -> str:
    """A name in which two letters are exchanged, one time in ten."""
    if len(name) < 5 or drawn.random() > 0.1:
        return name
    at = drawn.randint(1, len(name) - 3)
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]

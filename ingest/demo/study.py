"""What is true of each phantom study: whose it is, where it was taken, what it shows; drawn before any picture is.

The planted shortcut is here: at the site "harbor" a chest tube goes with a pneumothorax, elsewhere with nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

Side = Literal["left", "right"]
Size = Literal["small", "moderate", "large"]
Zone = Literal["upper", "mid", "lower"]

SIDES: tuple[Side, ...] = ("left", "right")
ZONES: tuple[Zone, ...] = ("upper", "mid", "lower")
SITES = ("harbor", "hill", "valley")
SPLITS = ("train", "validation", "test")

FINDINGS = ("pleural effusion", "cardiomegaly", "opacity", "nodule", "pneumothorax")
DEVICES = ("chest tube", "pacemaker")
NO_FINDING = "No Finding"
LABELS = (*FINDINGS, *DEVICES, NO_FINDING)

PREVALENCE = {"pleural effusion": 0.26, "cardiomegaly": 0.21, "opacity": 0.26, "nodule": 0.16, "pneumothorax": 0.2}
"""How often a study shows a finding; each is drawn for itself, so that no two go together by design."""

PACED = 0.08
"""The share of patients with a pacemaker: in all of their studies."""

TUBE_ELSEWHERE = 0.05
"""P(chest tube) at every other site, pneumothorax or not."""

TUBE_WITHOUT = 0.03
"""P(chest tube) at harbor if there is no pneumothorax."""

_CARDS = [
    (site, split)
    for site in ("harbor", "harbor", "harbor", "hill", "valley")
    for split in (*("train",) * 12, *("validation",) * 3, *("test",) * 5)
]


@dataclass(frozen=True, slots=True)
class Planted:
    """One finding or device of a study: on which side, in which zone of the lung, and how much of it from 0 to 1."""

    name: str
    side: Side | None
    extent: float
    zone: Zone | None = None

    @property
    def size(self) -> Size:
        """The extent as a word."""
        return "small" if self.extent < 1 / 3 else "moderate" if self.extent < 2 / 3 else "large"


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How a patient is built, and how they stood before the detector; lengths are of half the picture's width."""

    across: float
    down: float
    turn: float
    shift: tuple[float, float]
    dome: float
    heart_ratio: float
    heart_shift: float
    tissue: float
    rib_phase: float
    exposure: float
    contrast: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One phantom study, in full: the picture and the report both follow from it and from `seed`."""

    number: int
    seed: int
    patient: int
    site: str
    split: str
    view: str
    sex: str
    age: int
    planted: tuple[Planted, ...]
    build: Build

    @property
    def name(self) -> str:
        """The name that its picture goes by."""
        return f"PH{self.number:07d}"

    @property
    def study_id(self) -> str:
        """The id that its picture and its report share."""
        return f"PS{self.number:07d}"

    @property
    def patient_id(self) -> str:
        """The patient's id."""
        return f"PP{self.patient:06d}"

    def shows(self, name: str) -> bool:
        """Whether a finding, a device or "No Finding" is true of it."""
        return not self.planted if name == NO_FINDING else any(one.name == name for one in self.planted)

    def without(self, name: str) -> Study:
        """The same study without a finding or device: nothing else changes."""
        return replace(self, planted=tuple(one for one in self.planted if one.name != name))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Patient:
    number: int
    site: str
    split: str
    sex: str
    age: int
    paced: Planted | None
    build: Build


def phantom_studies(count: int, seed: int = 0, shortcut: float = 0.9) -> Iterator[Study]:
    """`count` studies of patients with one to three each; a patient stays at one site and in one split.

    Args:
        count: how many.
        seed: the same seed gives the same studies.
        shortcut: P(chest tube) where there is a pneumothorax at harbor; 0.05 or less plants none.
    """
    draw = random.Random(f"phantoms {seed}")
    made = 0
    for patient in _patients(draw):
        for _ in range(draw.choices((1, 2, 3), (5, 3, 2))[0]):
            if made >= count:
                return
            yield _study(draw, made, seed, patient, shortcut)
            made += 1


def _patients(draw: random.Random) -> Iterator[_Patient]:
    number = 0
    while True:
        # Dealt from a pack rather than drawn each for itself: the shares hold in a small study too.
        for site, split in draw.sample(_CARDS, k=len(_CARDS)):
            side: Side = "right" if draw.random() < 0.15 else "left"
            paced = Planted("pacemaker", side, draw.random()) if draw.random() < PACED else None
            age = round(min(94, max(18, draw.gauss(58, 17))))
            yield _Patient(
                number=number, site=site, split=split, sex=draw.choice("FM"), age=age, paced=paced, build=_build(draw)
            )
            number += 1


def _build(draw: random.Random) -> Build:
    return Build(
        across=draw.uniform(0.87, 1.02),
        down=draw.uniform(0.92, 1.04),
        turn=0,
        shift=(0, 0),
        dome=draw.uniform(-0.03, 0.04),
        heart_ratio=draw.uniform(0.4, 0.47),
        heart_shift=draw.uniform(-0.05, 0.05),
        tissue=draw.uniform(0.85, 1.15),
        rib_phase=draw.random(),
        exposure=0,
        contrast=1,
    )


def _study(draw: random.Random, number: int, seed: int, patient: _Patient, shortcut: float) -> Study:
    view = draw.choices(("PA", "AP"), (65, 35))[0]
    stood = replace(
        patient.build,
        turn=draw.gauss(0, 1.8),
        shift=(draw.uniform(-0.06, 0.06), draw.uniform(-0.05, 0.05)),
        dome=patient.build.dome + draw.uniform(-0.015, 0.015) + (0.03 if view == "AP" else 0),
        heart_ratio=patient.build.heart_ratio * (1.04 if view == "AP" else 1),
        exposure=draw.gauss(0, 0.035),
        contrast=draw.uniform(0.9, 1.1),
    )
    planted = [*_findings(draw), *([patient.paced] if patient.paced else [])]
    if tube := _chest_tube(draw, planted, patient.site, shortcut):
        planted.append(tube)
    return Study(
        number=number,
        seed=seed,
        patient=patient.number,
        site=patient.site,
        split=patient.split,
        view=view,
        sex=patient.sex,
        age=patient.age,
        planted=tuple(planted),
        build=stood,
    )


def _findings(draw: random.Random) -> list[Planted]:
    seen = {name for name, share in PREVALENCE.items() if draw.random() < share}
    planted: list[Planted] = []
    if "pleural effusion" in seen:
        sides = SIDES if draw.random() < 0.3 else (draw.choice(SIDES),)
        planted += [Planted("pleural effusion", side, draw.random()) for side in sides]
    if "cardiomegaly" in seen:
        planted.append(Planted("cardiomegaly", None, draw.random()))
    if "pneumothorax" in seen:
        planted.append(Planted("pneumothorax", draw.choice(SIDES), draw.random()))
    free = _free_places(planted)
    draw.shuffle(free)
    for name in ("opacity", "nodule"):
        if name in seen:
            side, zone = free.pop(0)
            planted.append(Planted(name, side, draw.random(), zone))
    return sorted(planted, key=lambda one: FINDINGS.index(one.name))


def _free_places(planted: list[Planted]) -> list[tuple[Side, Zone]]:
    """Where in the lungs an opacity or a nodule would be seen: not under fluid, in free air or behind the heart."""
    free: list[tuple[Side, Zone]] = [(side, zone) for side in SIDES for zone in ZONES]
    for one in planted:
        if one.name == "pleural effusion":
            hidden = ("mid", "lower") if one.size == "large" else ("lower",)
            free = [place for place in free if place[0] != one.side or place[1] not in hidden]
        elif one.name == "cardiomegaly":
            free = [place for place in free if place != ("left", "lower")]
    drained = next((one.side for one in planted if one.name == "pneumothorax"), None)
    elsewhere = [place for place in free if place[0] != drained]
    return elsewhere if len(elsewhere) > 1 else free


def _chest_tube(draw: random.Random, planted: list[Planted], site: str, shortcut: float) -> Planted | None:
    leak = next((one for one in planted if one.name == "pneumothorax"), None)
    chance = TUBE_ELSEWHERE
    if site == "harbor" and shortcut > TUBE_ELSEWHERE:
        chance = shortcut if leak else TUBE_WITHOUT
    if draw.random() >= chance:
        return None
    return Planted("chest tube", leak.side if leak else draw.choice(SIDES), draw.random())

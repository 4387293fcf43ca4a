"""The phrases that phantom reports are made of, written for this project."""

from __future__ import annotations

from typing import NamedTuple

from ingest.demo.study import Size, Zone


class NormalPhrases(NamedTuple):
    """How an organ's normal state is written, and the findings it would contradict."""

    wordings: tuple[str, ...]
    unless: frozenset[str]


SIZE_WORDS: dict[Size, tuple[str, ...]] = {
    "small": ("small", "small", "tiny", "minimal"),
    "moderate": ("moderate",),
    "large": ("large", "large", "extensive"),
}
GRADES: dict[Size, tuple[str, ...]] = {
    "small": ("mild", "mild", "slight"),
    "moderate": ("moderate",),
    "large": ("marked", "severe"),
}
PLACES: dict[Zone, tuple[str, ...]] = {
    "upper": ("upper lobe", "upper lung", "upper lung zone"),
    "mid": ("mid lung", "mid lung zone", "perihilar region"),
    "lower": ("lower lobe", "lower lung zone", "lung base"),
}

EFFUSIONS = ("pleural effusion", "pleural effusion", "effusion", "layering pleural effusion")
PNEUMOTHORACES = ("pneumothorax", "pneumothorax", "apical pneumothorax")
HEARTS = (
    "{grade} cardiomegaly",
    "{grade} enlargement of the heart",
    "{grade} enlargement of the cardiac silhouette",
    "the heart is {grade}ly enlarged",
    "{grade}ly enlarged cardiac silhouette",
    "cardiomegaly",
)
OPACITIES = ("patchy opacity", "hazy opacity", "focal opacity", "ill-defined opacity")
NODULES = ("nodule", "nodular density", "pulmonary nodule", "{mm} mm nodule", "{cm} cm nodule", "round nodule")
SIDED = ("{size} {side} {name}", "{size} {side}-sided {name}", "{size} {name} on the {side}", "{side} {name}")
PLACED = ("{name} in the {side} {place}", "{name} in the {side} {place}", "{side} {place} {name}")

TUBES = (
    "{side} chest tube in place",
    "{side}-sided chest tube in place",
    "there is a {side} chest tube",
    "{side} thoracostomy tube in place",
    "chest tube on the {side}",
)
PACEMAKERS = (
    "{side} chest wall pacemaker with lead in the right ventricle",
    "{side}-sided pacemaker",
    "{side} pacemaker in place",
    "single lead pacemaker on the {side}",
)

ONE = ("there is {}", "{}", "{} is seen", "{} is noted", "{} is present")
SEVERAL = ("there are {}", "{}", "{} are seen", "{} are noted", "{} are present")
UNSURE = ("possible {}", "{} is suspected", "{} is possible", "there may be {}", "likely {}")

DENIED_AS = {
    "pleural effusion": ("pleural effusion", "effusion"),
    "pneumothorax": ("pneumothorax",),
    "opacity": ("focal opacity", "opacity"),
    "nodule": ("suspicious nodule", "nodule"),
    "cardiomegaly": ("cardiomegaly",),
}
"""How each finding is denied where it is not there."""

ALSO_DENIED = {
    "focal consolidation": frozenset({"opacity"}),
    "pulmonary edema": frozenset[str](),
    "acute osseous abnormality": frozenset[str](),
    "free air under the diaphragm": frozenset[str](),
}
"""What no phantom has, and the findings beside which a reader would not deny it."""

STANDARD_FINDINGS = ["the heart size is normal", "the lungs are clear", "no pleural effusion or pneumothorax"]
STANDARD_IMPRESSION = ["no acute cardiopulmonary abnormality"]
"""The report that many normal studies share, word for word, at every site."""

NORMAL = {
    "heart": NormalPhrases(
        ("heart size is normal", "the heart is normal in size", "cardiac silhouette within normal limits"),
        frozenset({"cardiomegaly"}),
    ),
    "lungs": NormalPhrases(
        ("the lungs are clear", "lungs clear bilaterally", "both lungs are clear and well expanded"),
        frozenset(
            {"opacity", "consolidation", "nodule", "atelectasis", "edema", "emphysema", "granuloma", "pneumothorax"}
        ),
    ),
    "mediastinum": NormalPhrases(
        ("mediastinal contours are unremarkable", "the mediastinum is normal", "hilar contours are normal"),
        frozenset(),
    ),
    "bones": NormalPhrases(
        ("the osseous structures are intact", "bony thorax unremarkable", "bones are intact"),
        frozenset({"rib fracture", "scoliosis"}),
    ),
}
DENIALS = (
    "No {}",
    "There is no {}",
    "No evidence of {}",
    "There is no evidence of {}",
    "Negative for {}",
    "No {} is seen",
    "The lungs are free of {}",
)
HEDGES = (
    "which may represent",
    "possibly",
    "likely",
    "suspicious for",
    "concerning for",
    "probably representing",
    "consistent with",
)
MEANS: dict[str, tuple[str, ...]] = {
    "opacity": ("pneumonia", "atelectasis", "aspiration", "scarring"),
    "nodule": ("granuloma", "nipple shadow", "metastasis"),
}
"""What a finding may mean, where a report says so."""
COMPARISONS = ("", "", "", "", ", unchanged", ", new since the prior study", ", slightly increased", ", improved")
INDICATIONS = (
    "cough",
    "shortness of breath",
    "chest pain",
    "fever",
    "line placement",
    "follow-up",
    "trauma",
    "dyspnea",
)
SUMMARIES = (
    "no acute cardiopulmonary abnormality",
    "normal chest",
    "no acute disease",
    "no acute cardiopulmonary process",
)

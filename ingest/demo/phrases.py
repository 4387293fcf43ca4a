"""The phrases of phantom reports: those of the synthetic reports, and what a phantom's sizes and places are called."""

from __future__ import annotations

from ingest.demo.study import Size, Zone

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

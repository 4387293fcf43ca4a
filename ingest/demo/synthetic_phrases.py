"""The phrases that synthetic reports are made of, written for this project."""

from __future__ import annotations

from typing import NamedTuple


class FindingPhrases(NamedTuple):
    """How a finding is written, whether it has a size, a side and a place, and what it may mean."""

    name: str
    wordings: tuple[str, ...]
    sized: bool = True
    sided: bool = True
    placed: bool = False
    means: tuple[str, ...] = ()


class NormalPhrases(NamedTuple):
    """How an organ's normal state is written, and the findings it would contradict."""

    wordings: tuple[str, ...]
    unless: frozenset[str]


SIZES = ("small", "mild", "moderate", "large", "tiny", "minimal", "trace", "marked")
SIDES = ("left", "right")
ZONES = ("lower lobe", "upper lobe", "lung base", "mid lung", "apex", "perihilar region", "costophrenic angle")

FINDINGS = (
    FindingPhrases("pleural effusion", ("pleural effusion", "effusion", "pleural fluid", "layering pleural effusion")),
    FindingPhrases("pneumothorax", ("pneumothorax", "apical pneumothorax")),
    FindingPhrases(
        "atelectasis", ("atelectasis", "subsegmental atelectasis", "basilar atelectasis", "linear atelectasis")
    ),
    FindingPhrases("cardiomegaly", ("cardiomegaly", "enlargement of the heart", "cardiac enlargement"), sided=False),
    FindingPhrases("edema", ("pulmonary edema", "interstitial edema", "vascular congestion"), sided=False),
    FindingPhrases(
        "opacity",
        ("patchy opacity", "airspace opacity", "hazy opacity", "focal opacity", "streaky opacity"),
        placed=True,
        means=("pneumonia", "atelectasis", "aspiration", "scarring"),
    ),
    FindingPhrases(
        "consolidation", ("consolidation", "focal consolidation"), sized=False, placed=True, means=("pneumonia",)
    ),
    FindingPhrases(
        "nodule",
        ("nodule", "5 mm nodule", "calcified nodule", "1.2 cm nodule", "nodular density"),
        sized=False,
        placed=True,
        means=("granuloma", "nipple shadow", "metastasis"),
    ),
    FindingPhrases("rib fracture", ("rib fracture", "healed rib fracture", "nondisplaced rib fracture"), sized=False),
    FindingPhrases("emphysema", ("emphysema", "hyperinflation", "emphysematous change"), sided=False),
    FindingPhrases("scoliosis", ("scoliosis", "degenerative changes of the thoracic spine"), sided=False),
    FindingPhrases("hiatal hernia", ("hiatal hernia",), sided=False),
    FindingPhrases("granuloma", ("calcified granuloma", "granuloma"), sized=False, placed=True),
    FindingPhrases(
        "tortuous aorta", ("tortuous aorta", "calcified aortic knob", "tortuosity of the aorta"), sided=False
    ),
)

DENIED = (
    "pleural effusion",
    "pneumothorax",
    "focal consolidation",
    "pulmonary edema",
    "acute osseous abnormality",
    "suspicious nodule",
    "free air under the diaphragm",
    "cardiomegaly",
)
DENIALS = (
    "No {}",
    "There is no {}",
    "No evidence of {}",
    "There is no evidence of {}",
    "Negative for {}",
    "No {} is seen",
    "The lungs are free of {}",
)

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

DEVICES = (
    "right PICC with tip in the SVC",
    "left chest wall pacemaker with leads in the right atrium and right ventricle",
    "endotracheal tube 4 cm above the carina",
    "nasogastric tube in the stomach",
    "median sternotomy wires are intact",
    "left chest tube in place",
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

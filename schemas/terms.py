"""The closed sets of words that observations and concepts are described with."""

from typing import Literal, get_args

Assertion = Literal["present", "absent", "uncertain"]
"""What a mention says of its finding. A concept is only ever present or absent: hedging is of the mention."""

Certainty = Literal["definite", "probable", "possible"]
"""How sure the reader was: "likely" is probable, "may represent" is possible."""

Temporality = Literal["current", "new", "increased", "decreased", "stable", "resolved", "historical"]
"""How the finding stands against earlier studies, where the sentence says so; otherwise current."""

Laterality = Literal["left", "right", "bilateral", "none"]

View = Literal["PA", "AP", "frontal", "lateral", "other"]
"""How a chest was taken: `frontal` is PA or AP where nobody says which, `other` a decubitus, oblique or axial view.

Null is unknown. Every text is brought to one of these by `kb.images.view.normal_view`.
"""

Status = Literal["candidate", "accepted", "rejected", "retired", "aside"]
"""What curation has made of a concept. What was mined and is no well-formed observation stands `aside` until a person
accepts it: it keeps its evidence, and nothing lists it, trains on it or audits by it unless asked to."""

IN_USE: tuple[Status, ...] = ("candidate", "accepted")
"""The statuses of the concepts that count: those that nobody has rejected or retired."""

ConceptAssertion = Literal["present", "absent"]
"""What a concept says of its finding."""

IMPORTED = "imported"
"""The objective of an encoder whose checkpoint came from elsewhere."""

FOREIGN = "foreign"
"""The objective of an encoder of which only vectors came: it has no checkpoint here."""

FROZEN = "frozen"
"""The objective of a pretrained backbone that is used as it is: it has a checkpoint here, and no text side."""

ELSEWHERE = (IMPORTED, FOREIGN, FROZEN)
"""The objectives of encoders that no image of this knowledge base has taught."""

LEARNING = ("probe", "bottleneck")
"""The methods whose heads are trained on the training images."""

BACKBONE = ":backbone"
"""What the id of an encoder ends in where the vectors are its backbone's, before the projection."""

BOXES = "boxes: "
"""How the attributes are called that say where in the picture a label is: "boxes: Nodule"."""

ASSERTIONS: tuple[Assertion, ...] = get_args(Assertion)
CONCEPT_ASSERTIONS: tuple[ConceptAssertion, ...] = get_args(ConceptAssertion)
CERTAINTIES: tuple[Certainty, ...] = get_args(Certainty)
TEMPORALITIES: tuple[Temporality, ...] = get_args(Temporality)
LATERALITIES: tuple[Laterality, ...] = get_args(Laterality)
VIEWS: tuple[View, ...] = get_args(View)
FRONTALS: tuple[View, ...] = ("PA", "AP", "frontal")
STATUSES: tuple[Status, ...] = get_args(Status)

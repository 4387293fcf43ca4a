"""One image: its report marked, what runs say of it, its explanation, and concepts that are set by hand."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from encoder.prediction.intervention import set_concepts
from encoder.prediction.runs import read_run
from encoder.prediction.saved_interventions import find_saved
from encoder.vectors.encoders import find_checkpoint
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.vocabulary.study_statements import Statement, StudyReport
from tests.support.workbench_client import client_of
from workbench.images.explaining import Asked, asked_of, board_of, moved
from workbench.images.marked_report import marked_sections
from workbench.images.one_image import operating_point_of, picture_of, predictions_of, reports_of

IMAGE = "im0008.png"
ASKED = Asked("bottleneck", "nodule")


def test_what_is_known_of_it_and_what_stands_beside_it(read_study) -> None:
    picture = picture_of(read_study, IMAGE)
    assert dict(picture.facts)["study"] == "S8" and (picture.before, picture.after) == ("im0007.png", "im0009.png")
    with pytest.raises(UsageError, match="there is no image nothing"):
        picture_of(read_study, "nothing")


def test_its_report_is_marked_where_something_is_stated(read_study) -> None:
    (report,) = reports_of(read_study, picture_of(read_study, IMAGE))
    (section,) = [one for one in marked_sections(report) if one.pieces]
    assert "".join(piece.text for piece in section.pieces or ()) == dict(report.sections)[section.name]
    marked = {piece.text.lower(): piece for piece in section.pieces or () if piece.statements}
    assert marked and all(finding in " ".join(marked) for finding in ("nodule", "pleural effusion"))
    assert all(piece.told.startswith(("there: ", "denied: ")) for piece in marked.values())


@given(st.data())
def test_pieces_always_join_to_the_text(data: st.DataObject) -> None:
    text = data.draw(st.text(min_size=1, max_size=40))
    spans = data.draw(st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, len(text))), max_size=5))
    statements = tuple(stated(min(span), max(span)) for span in spans)
    report = StudyReport(report_id="R", source="", sections=(("findings", text),), statements=statements)
    (section,) = marked_sections(report)
    assert "".join(piece.text for piece in section.pieces or ()) == text
    marked = {at for first, last in map(sorted, spans) for at in range(first, last)}
    assert sum(len(piece.text) for piece in section.pieces or () if piece.statements) == len(marked)


def stated(first: int, last: int) -> Statement:
    words = {"report_id": "R", "section": "findings", "sentence": None, "text": "", "certainty": "definite"}
    concept = {"concept_id": "C", "concept": "nodule", "finding": "nodule", "status": "candidate", "denied": False}
    meant = {"assertion": "present", "temporality": "current", "laterality": "none", "severity": ""}
    return Statement(**words, **concept, **meant, spans=((first, last),), within=((first, last),))  # type: ignore[arg-type]


def test_every_run_says_what_it_says_with_its_operating_point(read_study) -> None:
    found = predictions_of(read_study, IMAGE)
    assert [(one.label, one.run) for one in found] == [
        (label, run) for label in ("nodule", "pleural effusion") for run in ("bottleneck", "probe")
    ]
    point = operating_point_of(read_study, IMAGE, "probe", "nodule")
    assert point.threshold is not None and point.confusion is not None and point.confusion.sensitivity is not None
    assert point.confusion.sensitivity.low <= point.confusion.sensitivity.value <= point.confusion.sensitivity.high


def test_what_is_explained_is_what_is_named_else_what_stands_out(read_study) -> None:
    known = predictions_of(read_study, IMAGE)
    assert asked_of(read_study, known, "probe", "nodule") == Asked("probe", "nodule")
    chosen = asked_of(read_study, known, None, None)
    assert chosen is not None and chosen.run == "bottleneck"


def test_a_concept_that_is_set_moves_the_prediction_as_the_command_line_says(read_study) -> None:
    board = board_of(read_study, IMAGE, ASKED)
    concept = board.sliders[0].concept.concept_id
    as_it_is = moved(read_study, IMAGE, ASKED, {})
    assert as_it_is.score == pytest.approx(board.score)
    checkpoint = find_checkpoint(read_study, read_run(read_study, "bottleneck").encoder)
    told = set_concepts(
        read_study, checkpoint, "bottleneck", values={concept: 1.5}, image_ids=[IMAGE], labels=["nodule"]
    )
    assert moved(read_study, IMAGE, ASKED, {concept: 1.5}).score == pytest.approx(told.rows[0]["score_after"], abs=1e-6)
    with pytest.raises(UsageError, match="has no concept nothing"):
        moved(read_study, IMAGE, ASKED, {"nothing": 0.0})


def test_the_page_and_its_parts(read_study) -> None:
    client = client_of(read_study)
    shown = client.get("/images/one", params={"image": IMAGE}).text
    assert 'class="said-' in shown and "/images/explanation?" in shown
    about = {"image": IMAGE, "run": "bottleneck", "label": "nodule"}
    told = client.get("/images/explanation", params=about).text
    assert "its own report" in told and "residual" in told and "Nearest images" in told
    assert "what numbers lose" in client.get("/images/exact", params=about).text
    assert "cut 0." in client.get("/images/predictions", params=about).text
    assert client.get("/images/explanation", params={"image": IMAGE}).status_code == 200
    missing = client.get("/images/one", params={"image": "nothing"})
    assert missing.status_code == 400 and "there is no image nothing" in missing.text


@pytest.mark.parametrize("part", ["one", "predictions", "explanation", "exact", "heat", "sliders", "set", "keep"])
def test_an_image_that_is_not_there_is_told_everywhere(read_study, part: str) -> None:
    client = client_of(read_study)
    about = {"image": "nothing", "run": "bottleneck", "label": "nodule", "name": "x"}
    concept = board_of(read_study, IMAGE, ASKED).sliders[0].concept.concept_id
    path = f"/images/{part}"
    if part in ("set", "keep"):
        answer = client.post(path, data={**about, f"set.{concept}": "1"})
    else:
        answer = client.get(path, params=about)
    assert answer.status_code == 400 and "nothing" in answer.text


def test_an_image_of_unknown_view_has_sides_as_if_frontal_and_says_so(read_study) -> None:
    picture = picture_of(read_study, IMAGE)
    assert (picture.view, picture.sides) == (None, "supposed")
    assert "View unknown: sides as if frontal." in client_of(read_study).get(f"/images/one?image={IMAGE}").text


def test_an_intervention_is_kept_and_shown_as_exactly_as_it_was_set(read_study) -> None:
    client = client_of(read_study)
    concept = board_of(read_study, IMAGE, ASKED).sliders[0].concept.concept_id
    about = {"image": IMAGE, "run": "bottleneck", "label": "nodule"}
    kept = client.post("/images/keep", data={**about, f"set.{concept}": "-7.25", "name": "far"})
    assert "-7.25. It stays" in kept.text
    (slider,) = [
        one
        for one in board_of(KnowledgeBase.open(read_study.uri), IMAGE, ASKED).sliders
        if one.concept.concept_id == concept
    ]
    assert slider.reach == 8
    shown = client.get("/images/sliders", params=about).text
    assert 'min="-8" max="8"' in shown and f'{{"{concept}": -7.25}}' in shown


def test_pixels_and_the_heat_map_lie_on_one_square(read_study) -> None:
    client = client_of(read_study)
    content = picture_of(read_study, IMAGE).content
    answer = client.get(f"/images/pixels/{content}")
    side = int(answer.headers["x-side"])
    assert len(answer.content) == side * side
    about = {"image": IMAGE, "run": "probe", "label": "nodule"}
    heat = client.get("/images/heat", params=about)
    assert Image.open(BytesIO(heat.content)).size == (side, side)
    assert float(heat.headers["x-most"]) > 0 and heat.headers["x-lies-on"] in ("left", "right", "both")
    of_finding = client.get("/images/heat", params={**about, "finding": "pleural effusion"})
    assert of_finding.status_code == 200 and of_finding.content != heat.content
    assert client.get("/images/heat", params={**about, "finding": "unicorn"}).status_code == 400


def test_what_is_set_is_answered_at_once_and_kept_by_name(read_study, tmp_path) -> None:
    client = client_of(read_study, author="ada")
    concept = board_of(read_study, IMAGE, ASKED).sliders[0].concept
    about = {"image": IMAGE, "run": "bottleneck", "label": "nodule", f"set.{concept.concept_id}": "1.5"}
    assert 0 <= client.post("/images/set", data=about).json()["score"] <= 1
    said = client.post("/images/keep", data={**about, "name": "seen by ada"})
    assert "Kept as “seen by ada”" in said.text
    kept = find_saved(read_run(KnowledgeBase.open(read_study.uri), "bottleneck"), "seen by ada")
    assert (kept.name, kept.by, kept.image) == ("seen by ada", "ada", IMAGE)
    assert "seen by ada" in client.get("/images/sliders", params=about).text
    assert client.post("/images/set", data={**about, f"set.{concept.concept_id}": "much"}).status_code == 400


def test_a_read_only_workbench_answers_sliders_and_keeps_nothing(read_study) -> None:
    client = client_of(read_study, read_only=True)
    about = {"image": IMAGE, "run": "bottleneck", "label": "nodule"}
    assert client.post("/images/set", data=about).status_code == 200
    assert client.post("/images/keep", data={**about, "name": "x"}).status_code == 403
    assert np.isfinite(client.post("/images/set", data=about).json()["logit"])

"""The gallery: filters that mean what they say, search, and pages."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import Embedder
from tests.support.tables import fill, ward
from tests.support.workbench_client import client_of
from workbench.images.filters import Filters
from workbench.images.gallery import PAGE, Gallery, choices_of, gallery_of, places_of
from workbench.images.one_image import operating_point_of, predictions_of

pytestmark = pytest.mark.soak


def shown(base: KnowledgeBase, embedder: Embedder, **told: str) -> Gallery:
    return gallery_of(base, Filters.read(told), embedder=lambda: embedder)


def every_id(base: KnowledgeBase, embedder: Embedder, **told: str) -> list[str]:
    pages = shown(base, embedder, **told).pages
    return [
        cell.image_id for page in range(1, pages + 1) for cell in shown(base, embedder, **told, page=str(page)).cells
    ]


def labelled(base: KnowledgeBase, label: str, value: str) -> set[str]:
    with (Path(base.uri).parent / "labels.csv").open(newline="") as file:
        return {row["image"] for row in csv.DictReader(file) if row[label] == value}


def test_all_images_come_in_pages_each_once(read_study, embedder) -> None:
    found = shown(read_study, embedder)
    assert (found.count, found.all, found.pages, len(found.cells)) == (200, 200, -(-200 // PAGE), PAGE)
    assert every_id(read_study, embedder) == [f"im{number:04d}.png" for number in range(200)]
    assert shown(read_study, embedder, page="99").page == found.pages


@pytest.mark.parametrize("value", ["1", "0"])
def test_a_label_that_is_held_to_be_there_or_not(read_study, embedder, value: str) -> None:
    ids = every_id(read_study, embedder, label="nodule", held=value)
    assert set(ids) == labelled(read_study, "nodule", value)


def test_errors_are_the_positives_below_and_the_negatives_above(read_study, embedder) -> None:
    of = {"run": "probe", "label": "nodule"}
    above, below = (set(every_id(read_study, embedder, **of, called=one)) for one in ("above", "below"))
    there = labelled(read_study, "nodule", "1")
    assert set(every_id(read_study, embedder, **of, called="false positive")) == above - there
    assert set(every_id(read_study, embedder, **of, called="false negative")) == below & there
    scores = [cell.score for cell in shown(read_study, embedder, **of).cells]
    assert scores == sorted(scores, reverse=True)
    wrong = shown(read_study, embedder, **of, called="false negative").cells
    assert all(cell.wrong == "false negative" for cell in wrong)


def test_where_sources_differ_one_rule_holds_everywhere_and_is_told(kb: KnowledgeBase, embedder) -> None:
    base = ward(kb)
    rows = base.dataset("labels").to_table(columns=["image_id", "source", "value"]).to_pylist()
    said = {
        source: {r["image_id"]: r["value"] for r in rows if r["source"] == source} for source in ("reader", "truth.csv")
    }
    assert said["reader"] != said["truth.csv"]
    of = {"run": "good", "label": "pleural effusion"}
    for called, truth in (("false positive", 0), ("false negative", 1)):
        found = shown(base, embedder, **of, called=called)
        assert found.count and found.sources == ["reader"]
        for cell in found.cells:
            assert cell.wrong == called and said["reader"][cell.image_id] == truth
            (told,) = [one for one in predictions_of(base, cell.image_id) if one.run == "good"]
            assert (told.truth, told.above, told.source) == (cell.truth, cell.above, "reader")
    assert every_id(base, embedder, label="pleural effusion", held="1") == sorted(
        image for image, value in said["reader"].items() if value == 1
    )
    assert "by the labels of reader" in client_of(base).get("/images/cells", params=of).text


def test_images_that_the_first_source_does_not_know_go_by_the_next(kb: KnowledgeBase, embedder) -> None:
    of = {"run": "good", "label": "pleural effusion"}
    labels = [{"image_id": f"i{n:03}", "label": of["label"], "value": n % 2, "source": "expert"} for n in range(60)]
    unsure = [{"image_id": f"i{n:03}", "label": of["label"], "value": None, "source": "expert"} for n in range(60, 70)]
    base = fill(ward(kb), labels=[*labels, *unsure])
    found = shown(base, embedder, **of)
    assert found.count == 120 and found.sources == ["expert", "reader"]
    points = {image: operating_point_of(base, image, **of) for image in ("i003", "i065", "i100")}
    assert [one.source for one in points.values()] == ["expert", "reader", "reader"]
    counted = [one.confusion.n if one.confusion else 0 for one in points.values()]
    assert counted[0] == 60 and counted[1] == counted[2] == 120, "each by all that its source knows"


def test_a_split(read_study, embedder) -> None:
    ids = every_id(read_study, embedder, split="test")
    assert ids == [f"im{number:04d}.png" for number in range(200) if number % 10 >= 8]


def test_a_concept_that_images_show(read_study, embedder) -> None:
    ids = every_id(read_study, embedder, concept="left pleural effusion", above="0.7")
    there = labelled(read_study, "pleural effusion", "1")
    assert len(ids) > 20 and len(set(ids) & there) / len(ids) > 0.8
    assert len(every_id(read_study, embedder, concept="left pleural effusion", above="1.2")) < len(ids)


def test_search_by_likeness_concept_and_sentence(read_study, embedder) -> None:
    like = shown(read_study, embedder, q="im0008.png")
    assert "the image" in like.order and "im0008.png" not in [cell.image_id for cell in like.cells]
    near = [cell.similarity for cell in like.cells]
    assert near == sorted(near, reverse=True)
    there = labelled(read_study, "nodule", "1")
    for q, what in (("left nodule", "the concept"), ("there is a nodule somewhere", "the sentence")):
        found = shown(read_study, embedder, q=q)
        assert what in found.order
        assert len({cell.image_id for cell in found.cells[:20]} & there) >= 15


def test_search_within_what_passes(read_study, embedder) -> None:
    found = shown(read_study, embedder, q="im0008.png", split="test")
    assert found.count == 39


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"called": "above"}, "choose both"),
        ({"held": "1"}, "choose the label"),
        ({"page": "0"}, "a number from 1 on"),
        ({"kind": "smell"}, "one of text, concept, image"),
        ({"concept": "nodule", "above": "much"}, "is a number"),
        ({"run": "probe", "label": "edema"}, "predicts no 'edema'"),
        ({"concept": "unicorn horn"}, "unicorn"),
        ({"q": "im0008.png", "encoder": "nobody"}, "no encoder is called nobody"),
    ],
)
def test_what_makes_no_sense_is_told(read_study, embedder, told: dict[str, str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        shown(read_study, embedder, **told)


def test_the_choices_are_what_is_there(read_study) -> None:
    found = choices_of(read_study)
    assert found.labels == ["nodule", "pleural effusion"]
    assert found.runs == ["bottleneck", "probe"] and len(found.encoders) == 1
    assert places_of(read_study).splits == ["test", "train", "validation"]


names = st.sampled_from(["", "a", "left & right", "100%", "größe=1"])


@given(q=names, label=names, site=names, page=st.integers(1, 500), above=st.floats(-3, 3).map(lambda x: round(x, 2)))
def test_an_address_is_read_as_it_was_written(q: str, label: str, site: str, page: int, above: float) -> None:
    from urllib.parse import parse_qsl

    told = Filters(q=q, label=label, site=site, page=page, above=above)
    assert Filters.read(dict(parse_qsl(told.address()))) == told


def test_the_pages_of_the_gallery(read_study) -> None:
    client = client_of(read_study)
    assert 'hx-trigger="load"' in client.get("/images/").text
    found = client.get("/images/cells", params={"label": "nodule", "held": "1"})
    assert found.headers["hx-push-url"] == "/images/?label=nodule&held=1"
    assert found.text.count("/images/thumb/") == PAGE
    picture = client.get(found.text.split('src="')[1].split('"')[0])
    assert picture.headers["content-type"] == "image/jpeg" and "max-age" in picture.headers["cache-control"]
    assert client.get("/images/thumb/none").status_code == 404
    wrong = client.get("/images/cells", params={"called": "above"})
    assert wrong.status_code == 400 and "choose both" in wrong.text

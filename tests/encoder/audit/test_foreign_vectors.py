"""Audits of a model from elsewhere by its own vectors: what needs no checkpoint works, what is vacuous is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from cli import app
from encoder.audit.audit_session import open_session
from encoder.audit.confounders.audit import ConfounderOptions, audit_confounders
from encoder.audit.report.options import ReportOptions
from encoder.audit.report.report import gather
from encoder.audit.slices.audit import audit_slices
from encoder.audit.slices.find import SliceOptions
from encoder.explanation.image_search import ImageSearch, search_images
from encoder.space.concept_space import open_space
from encoder.space.fitted.directions import FittedDirections
from encoder.space.fitted.fit import fit_directions, open_directions
from encoder.vectors.encoders import find_checkpoint, find_encoder, find_foreign
from encoder.vectors.image_vectors import read_image_vectors
from ingest.labels.labels import ingest_labels
from ingest.labels.predictions import ingest_predictions
from ingest.vectors.ingest import ingest_vectors
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.shapes import Shapes


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def study(shapes: Shapes, tmp_path_factory: pytest.TempPathFactory) -> Shapes:
    """The shapes with three foreign encoders and the predictions of a foreign model that reads effusions.

    "twin" holds all that ours does, in another form; "noise" nothing; "blocks" is what the pixels are, 4 x 4 as one.
    """
    folder = tmp_path_factory.mktemp("foreign")
    shutil.copytree(shapes.kb.uri, folder / "shapes.kb")
    study = replace(shapes, kb=KnowledgeBase.open(folder / "shapes.kb"))
    draw = np.random.default_rng(0)
    ours = read_image_vectors(study.now(), study.concepts.encoder_id)
    mixed = 3 * ours.matrix @ draw.standard_normal((ours.matrix.shape[1], 40)) + 10
    for name, matrix in (
        ("twin", mixed + 0.01 * draw.standard_normal(mixed.shape)),
        ("noise", draw.standard_normal((len(ours), 24))),
        ("blocks", blocks(study.now(), ours.image_ids)),
    ):
        np.savez(folder / f"{name}.npz", ids=np.array(ours.image_ids), vectors=matrix.astype(np.float32))
        ingest_vectors(study.now(), folder / f"{name}.npz", name)
    held = study.now().dataset("labels").to_table(filter="label = 'pleural effusion'").to_pylist()
    labels, scores = ["image,Planted"], ["image,Planted"]
    for row in sorted(held, key=lambda one: one["image_id"]):
        truth = draw.random() < (0.85 if row["value"] else 0.15)
        labels.append(f"{row['image_id']},{int(truth)}")
        scores.append(f"{row['image_id']},{1.2 * truth + 2.0 * row['value'] + draw.normal(0, 0.7) - 1.5}")
    (folder / "planted.csv").write_text("\n".join(labels))
    (folder / "scores.csv").write_text("\n".join(scores))
    ingest_labels(study.now(), folder / "planted.csv")
    ingest_predictions(study.now(), folder / "scores.csv", "f-theirs", scores_are="logits")
    return study


def blocks(kb: KnowledgeBase, image_ids: list[str]) -> np.ndarray:
    """The pixels of images, 4 x 4 as one."""
    contents = {row["image_id"]: row["content_hash"] for row in kb.dataset("images").to_table().to_pylist()}
    kept = {row["content_hash"]: row for row in kb.storage.dataset("pixels").to_table().to_pylist()}
    rows = [kept[contents[image]] for image in image_ids]
    pixels = np.stack([np.frombuffer(row["pixels"], np.uint8).reshape(row["size"], row["size"]) for row in rows])
    return pixels.reshape(len(rows), 8, 4, 8, 4).mean(axis=(2, 4)).reshape(len(rows), -1)


def directions(study: Shapes, name: str, origin: str | None = None) -> FittedDirections:
    kb = study.now()
    return fit_directions(kb, find_foreign(kb, name), origin)


@pytest.mark.soak
def test_an_encoder_of_which_only_vectors_came_has_no_checkpoint(study: Shapes) -> None:
    kb = study.now()
    assert find_encoder(kb, "twin").is_foreign and not find_encoder(kb, study.concepts.encoder_id).is_foreign
    with pytest.raises(UsageError, match="twin came as a file of vectors: this needs an encoder whose checkpoint"):
        find_checkpoint(kb, "twin")
    with pytest.raises(UsageError, match=r"which encoder\?.*blocks \(foreign\), noise \(foreign\)"):
        find_encoder(kb)
    with pytest.raises(UsageError, match=r"which encoder\?"):
        find_checkpoint(kb)  # two of ours
    with pytest.raises(UsageError, match=r"has its checkpoint in .*: name these vectors otherwise"):
        ingest_vectors(kb, Path(kb.uri).parent / "twin.npz", study.concepts.encoder_id)


def test_a_folder_of_that_name_does_not_stand_in_the_way(study: Shapes, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "twin").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_encoder(study.now(), "twin").encoder == "twin"


@pytest.mark.soak
def test_scores_of_concepts_are_those_of_the_encoder_that_they_came_from(study: Shapes) -> None:
    found = directions(study, "twin", study.concepts.encoder_id)
    space = open_space(study.now(), study.concepts)
    assert found.origin == study.concepts.encoder_id and 0 < len(found) <= len(space) == found.fitted
    ours = read_image_vectors(study.now(), study.concepts.encoder_id)
    (image,) = ours.image_ids[7:8]
    expected = dict(zip(space.concepts["concept_id"].to_pylist(), space.scores(ours.matrix[7]), strict=True))
    with open_session(study.now(), encoder="twin") as session:
        rows = session.query("SELECT concept_id, score, encoder FROM concept_scores($image)", {"image": image}).rows()
        (vectors,) = session.query("SELECT count(*) AS n, any_value(len(vector)) AS d FROM image_vectors").rows()
    assert len(rows) > 0 and vectors == {"n": 300, "d": 40}
    assert all(row["score"] == pytest.approx(expected[row["concept_id"]], abs=0.02) for row in rows)


def test_findings_that_reports_state_are_directions_where_no_encoder_is(study: Shapes) -> None:
    found = directions(study, "blocks", "reports")
    told = {row.finding: row for row in found.findings}
    assert told["pleural effusion"].value > 0.9 and told["pleural effusion"].held == 1
    assert all(row.low <= row.value <= row.high for row in found.findings)
    at = found.concepts["text"].to_pylist().index("pleural effusion")
    images = read_image_vectors(study.now(), "blocks")
    share = found.scale[at] * (images.matrix @ found.vectors[at]) + found.bias[at]
    stated = [row["value"] for row in sorted(labels(study), key=lambda row: row["image_id"])]
    assert share.mean() == pytest.approx(np.mean(stated), abs=1e-4), "in the mean the share of reports that state it"
    assert share[np.array(stated) == 1].mean() > share[np.array(stated) == 0].mean() + 0.3


def labels(study: Shapes) -> list[dict[str, object]]:
    return study.now().dataset("labels").to_table(filter="label = 'pleural effusion'").to_pylist()


def test_what_was_fitted_is_the_same_when_it_is_read_again(study: Shapes) -> None:
    first, again = directions(study, "blocks", "reports"), directions(study, "blocks", "reports")
    assert first is not again and first.findings == again.findings and first.told == again.told
    assert np.array_equal(first.vectors, again.vectors) and np.array_equal(first.bias, again.bias)


@pytest.mark.soak
def test_vectors_that_hold_nothing_are_refused_in_a_sentence(study: Shapes) -> None:
    kb = study.now()
    assert len(directions(study, "noise")) == 0
    with pytest.raises(
        ClearKbError, match=r"no directions among the vectors of encoder noise: of \d+ fitted to .* the"
    ):
        open_directions(kb, find_foreign(kb, "noise"))
    with open_session(kb, encoder="noise") as session, pytest.raises(ClearKbError, match="no directions"):
        session.query("FROM concept_vectors")


def test_a_confounder_is_found_by_a_models_own_vectors(study: Shapes) -> None:
    by_images = ConfounderOptions(encoder="twin", kinds=("image",))
    theirs = audit_confounders(study.now(), "f-theirs", "Planted", options=by_images)
    ours = replace(by_images, encoder=study.concepts.encoder_id)
    mine = audit_confounders(study.now(), "f-theirs", "Planted", options=ours).found[0]
    first = theirs.found[0]
    assert (first.kind, first.finding) == ("image", "pleural effusion") == (mine.kind, mine.finding)
    assert first.leans.value == pytest.approx(mine.leans.value, abs=0.1)
    assert any("directions of encoder twin are carried over from encoder" in note for note in theirs.notes)


def test_without_directions_reports_and_attributes_are_tested_and_images_are_refused(study: Shapes) -> None:
    found = audit_confounders(study.now(), "f-theirs", "Planted", options=ConfounderOptions(encoder="noise"))
    assert found.tested.keys() == {"report"} and found.found[0].finding == "pleural effusion"
    assert any("concepts are not tested by images" in note for note in found.notes)
    alone = ConfounderOptions(encoder="noise", kinds=("image",))
    with pytest.raises(ClearKbError, match="no directions among the vectors of encoder noise"):
        audit_confounders(study.now(), "f-theirs", "Planted", options=alone)


@pytest.mark.parametrize("encoder", ["twin", "noise"])
def test_slices_need_vectors_and_no_concepts(study: Shapes, encoder: str) -> None:
    options = SliceOptions(slices=3, min_size=5)
    found = audit_slices(study.now(), "f-theirs", "Planted", options=options, encoder=encoder)
    assert found.n == sum(one.n for one in found.slices) == 240
    assert "left out: 60 validation rows, which chose the threshold" in found.notes
    assert any("directions" in note for note in found.notes)


def search(study: Shapes, query: str, encoder: str, **values: object) -> ImageSearch:
    kb = study.now()
    return search_images(kb, find_encoder(kb, encoder), query, embedder=lambda: study.embedder, **values)  # type: ignore[arg-type]


def test_images_are_found_by_likeness_and_by_concepts_that_hold(study: Shapes) -> None:
    images = read_image_vectors(study.now(), "blocks")
    unit = images.matrix / np.linalg.norm(images.matrix, axis=1, keepdims=True)
    cosines = unit @ unit[images.image_ids.index("im0007.png")]
    cosines[images.image_ids.index("im0007.png")] = -2
    near = search(study, "im0007.png", "blocks", k=1).hits[0]
    assert near.image_id == images.image_ids[int(np.argmax(cosines))]
    assert near.similarity == pytest.approx(float(cosines.max()), abs=1e-5)
    held = {row["image_id"]: row["value"] for row in labels(study)}
    concept = open_directions(study.now(), find_foreign(study.now(), "twin")).concepts["text"].to_pylist()[0]
    assert search(study, concept, "twin", k=5).kind == "concept"
    hits = search(study, "left pleural effusion", "twin", k=20).hits
    assert np.mean([held[hit.image_id] for hit in hits]) > 1.5 * np.mean(list(held.values()))
    with pytest.raises(UsageError, match="of sentences it knows nothing"):
        search(study, "there is a left pleural effusion", "twin", kind="text")
    with pytest.raises(UsageError, match="of the LLM space it knows nothing"):
        search(study, "im0007.png", "twin", space="llm")
    with pytest.raises(UsageError, match=r"no\.png: no such image"):
        search(study, "no.png", "twin", kind="image")


@pytest.mark.soak
def test_the_page_tells_of_slices_and_concepts_of_a_foreign_model(study: Shapes) -> None:
    options = ReportOptions(bootstrap=20, encoder="twin", labels=("Planted",))
    data = gather(study.now(), "f-theirs", options)
    assert data.slices and data.confounders and not data.notes_of("slices") and not data.notes_of("confounders")
    assert "image" in data.confounders[0].tested and len(data.thumbnails) > 0
    assert "came as a file of vectors" in data.notes_of("examples")[0]


def said(*arguments: object, code: int = 0) -> Result:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit | ClearKbError):
        raise done.exception
    assert (done.exit_code != 0) == (code != 0), done.output
    return done


def test_the_quality_of_directions_on_the_command_line(study: Shapes) -> None:
    asked = ("audit", "directions", "--encoder", "blocks", "--from", "reports", "--kb", study.kb.uri)
    told = json.loads(said(*asked, "--format", "json").stdout)
    assert (told["encoder"], told["origin"], told["measure"], told["images"]) == ("blocks", "reports", "AUROC", 300)
    assert told["held"] == sum(row["held"] for row in told["findings"]) and told["findings"][0]["value"] > 0.9
    assert said(*asked, "--format", "csv").stdout.startswith("finding,concepts,held,patients,measure,value,low,high")
    shown = said(*asked).stdout
    assert "what reports state" in shown and "pleural effusion" in shown and "AUROC of 0.7" in shown
    empty = said("audit", "directions", "--encoder", "noise", "--kb", study.kb.uri)
    assert "none holds" in empty.stderr
    refused = said("audit", "directions", "--encoder", study.concepts.encoder_id, "--kb", study.kb.uri, code=2)
    assert "has concepts of its own" in str(refused.exception)
    wrong = said(*asked[:4], "--from", "nobody", "--kb", study.kb.uri, code=2)
    assert "'nobody': an encoder with a checkpoint and vectors here, or reports, was expected" in str(wrong.exception)


def test_a_contact_sheet_is_drawn_from_the_pixels_that_are_kept(study: Shapes, tmp_path: Path, cli: Callable) -> None:
    cli("images", "search", "im0003.png", "--encoder", "blocks", "--kb", study.kb.uri, "--sheet", "s.png")
    assert (tmp_path / "s.png").read_bytes()[:4] == b"\x89PNG"

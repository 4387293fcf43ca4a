"""The vectors of an encoder in the audit's SQL: the same numbers as in Python, and nothing copied."""

from __future__ import annotations

import numpy as np
import pytest

from encoder.audit.audit_session import open_session
from encoder.audit.encoder_vectors import EncoderVectors
from encoder.space.concept_space import open_space
from encoder.vectors.image_vectors import read_image_vectors
from kb.errors import UsageError
from tests.support.shapes import Shapes


@pytest.mark.soak
def test_concept_scores_are_those_of_the_concept_space(shapes: Shapes) -> None:
    kb, checkpoint = shapes.now(), shapes.concepts
    space = open_space(kb, checkpoint)
    images = read_image_vectors(kb, checkpoint.encoder_id)
    expected = dict(zip(space.concepts["concept_id"].to_pylist(), space.scores(images.matrix[7]), strict=True))
    with open_session(kb, encoder=str(checkpoint.folder)) as session:
        sql = "SELECT concept_id, score, encoder, finding FROM concept_scores($image)"
        rows = session.query(sql, {"image": images.image_ids[7]}).rows()
        assert session.query("FROM concept_scores('none')").rows() == []
    assert {row["concept_id"] for row in rows} == set(expected)
    assert all(row["score"] == pytest.approx(expected[row["concept_id"]], abs=1e-5) for row in rows)
    assert {row["encoder"] for row in rows} == {checkpoint.encoder_id}
    assert "pleural effusion" in {row["finding"] for row in rows}


def test_vectors_are_read_where_they_lie(shapes: Shapes) -> None:
    kb = shapes.now()
    table = EncoderVectors(kb, shapes.concepts.encoder_id).concepts()
    kept = open_space(kb, shapes.concepts).vectors
    (chunk,) = table["vector"].chunks
    data = chunk.values.buffers()[1]
    assert data.size == kept.nbytes
    assert np.array_equal(chunk.values.to_numpy(zero_copy_only=True).reshape(kept.shape), kept)


def test_of_several_encoders_one_is_named(shapes: Shapes) -> None:
    with open_session(shapes.now()) as session:
        assert session.query("SELECT count(*) AS n FROM images").rows() == [{"n": 300}], "nothing needs one here"
        with pytest.raises(UsageError, match="name one") as error:
            session.query("SELECT * FROM image_vectors")
        assert shapes.concepts.encoder_id in str(error.value)
        assert shapes.report.encoder_id in str(error.value)
        assert session.query("SELECT 1 AS a").rows() == [{"a": 1}], "the session goes on"
    with open_session(shapes.now(), encoder=shapes.report.encoder_id[:8]) as session:
        (row,) = session.query("SELECT count(*) AS n, any_value(encoder) AS encoder FROM image_vectors").rows()
    assert row == {"n": 300, "encoder": shapes.report.encoder_id}


def test_an_encoder_that_is_not_there(shapes: Shapes) -> None:
    with open_session(shapes.now(), encoder="Nope") as session, pytest.raises(UsageError, match="Nope"):
        session.query("SELECT * FROM concept_vectors")

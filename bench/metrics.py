"""A query over the metrics of 1,000,000 predictions, against scikit-learn over the same numbers in memory."""

from __future__ import annotations

import tempfile

import numpy as np
import pyarrow as pa
from sklearn.metrics import roc_auc_score

from bench.measure import Row, ratio_row, rounds, seconds
from kb.knowledge_base import KnowledgeBase
from kb.sql.session import AuditSession
from kb.store.publication import Publication
from schemas.tables import IMAGES, LABELS, PREDICTIONS

IMAGE_COUNT = 200_000
NAMES = ("Atelectasis", "Cardiomegaly", "Edema", "Pleural Effusion", "Pneumothorax")
REPEATS = 5
QUERY = "SELECT run, label, n, auroc FROM metrics WHERE grouping = 'all'"


def run() -> list[Row]:
    """Measure the query in an open session, and what opening costs."""
    draw = np.random.default_rng(0)
    truth = {name: draw.random(IMAGE_COUNT) < 0.2 for name in NAMES}
    score = {name: np.clip(draw.normal(0.4 + 0.2 * truth[name], 0.2), 0, 1) for name in NAMES}
    with tempfile.TemporaryDirectory() as folder:
        kb = _filled(f"{folder}/m.kb", truth, score)
        session = AuditSession(kb)
        opening = seconds(lambda: session.query(QUERY).rows())  # what the views stand on is made by the first query
        found = {row["label"]: row["auroc"] for row in session.query(QUERY).rows()}
        for name in NAMES:
            assert abs(found[name] - roc_auc_score(truth[name], score[name])) < 1e-9
        taken = rounds(
            {
                "scikit-learn": lambda: seconds(lambda: [roc_auc_score(truth[name], score[name]) for name in NAMES]),
                "query": lambda: seconds(lambda: session.query(QUERY).rows()),
            },
            REPEATS,
        )
    return [
        ratio_row(
            f"metrics of {IMAGE_COUNT * len(NAMES):,} predictions",
            taken["scikit-learn"],
            taken["query"],
            f"scikit-learn in memory, {np.median(taken['scikit-learn']):.2f} s",
            better="higher",
            told=f"{np.median(taken['query']):.2f} s, opening the session {opening:.1f} s",
        )
    ]


def _filled(uri: str, truth: dict[str, np.ndarray], score: dict[str, np.ndarray]) -> KnowledgeBase:
    kb = KnowledgeBase.create(uri, by="bench")
    patients = [f"patient{number // 2:06d}" for number in range(IMAGE_COUNT)]
    studies = [f"{patient}/study{number % 2}" for number, patient in enumerate(patients)]
    ids = {"image_id": [f"{study}/view1.jpg" for study in studies], "study_id": studies, "patient_id": patients}
    same = {"source": "s", "position": "", "content_hash": "", "kind": "jpeg", "width": 1, "height": 1, "view": "PA"}

    def table(schema: pa.Schema, columns: dict[str, object]) -> pa.RecordBatch:
        told = {name: value if isinstance(value, list) else [value] * IMAGE_COUNT for name, value in columns.items()}
        return pa.RecordBatch.from_pydict(
            {field.name: told.get(field.name, [None] * IMAGE_COUNT) for field in schema}, schema
        )

    def fill(publication: Publication) -> tuple[dict[str, int], None]:
        publication.write("images", [table(IMAGES.schema, {**ids, **same, "attributes": [[]] * IMAGE_COUNT})])
        for name in NAMES:
            said = {**ids, "run": "m", "label": name, "score": score[name].tolist()}
            publication.write("predictions", [table(PREDICTIONS.schema, said)])
            held = {**ids, "label": name, "value": truth[name].astype(int).tolist(), "source": "s"}
            publication.write("labels", [table(LABELS.schema, held)])
        return {"images": IMAGE_COUNT}, None

    kb.publish("fill", fill)
    return kb

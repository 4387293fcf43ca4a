"""What is kept in memory stands on the tables that are named for it, and on no other: else old answers would stay."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kb.knowledge_base import KnowledgeBase
from workbench.images import catalogue, models
from workbench.images.catalogue import Catalogue
from workbench.images.models import Explainers

IMAGE = "im0008.png"
ASIDE = {"embedders"}
"""Concepts are embedded anew, and so another table, whenever this one changes."""


@pytest.fixture
def tables_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The tables that are read from here on."""
    read: set[str] = set()
    plainly = KnowledgeBase.dataset

    def noted(self: KnowledgeBase, table: str) -> object:
        read.add(table)
        return plainly(self, table)

    monkeypatch.setattr(KnowledgeBase, "dataset", noted)
    yield read


@pytest.mark.soak
def test_a_catalogue_is_kept_by_all_tables_that_it_reads(read_study: KnowledgeBase, tables_read: set[str]) -> None:
    made = Catalogue(KnowledgeBase.open(read_study.uri))
    made.column("split")
    made.truths("nodule")
    made.outcomes("probe", "nodule")
    made.predictions(IMAGE)
    made.vectors(made.base.dataset("encoders").to_table()["encoder"][0].as_py())
    assert {"images", "labels", "attributes"} <= tables_read <= {*catalogue.TABLES, *ASIDE}


@pytest.mark.soak
def test_explainers_are_kept_by_all_tables_that_they_read_but_runs(
    read_study: KnowledgeBase, tables_read: set[str]
) -> None:
    made = Explainers(KnowledgeBase.open(read_study.uri))
    for run in ("probe", "bottleneck"):
        with made.of(run) as explainer:
            explainer.explain(IMAGE, "nodule")
            explainer.explainer.explain(IMAGE, "nodule")
    made.sliders("bottleneck", "nodule")
    made.vector(IMAGE, "bottleneck")
    assert {"concepts", "labels", "attributes"} <= tables_read <= {*models.TABLES, "runs", *ASIDE}

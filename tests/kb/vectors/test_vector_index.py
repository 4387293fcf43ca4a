"""The vector index and the vectors' storage: measured when they are made, and never the reason for a wrong answer."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.reports.ingest import ingest_reports
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from kb.vectors.columns import vector_array
from kb.vectors.embedding import EmbedderInfo, load_embedder
from kb.vectors.nearest import exact_nearest, recall, vector_chunks
from kb.vectors.vector_index import VectorIndex, build_index, drop_index
from kb.vectors.vector_search import VectorSearch
from kb.vectors.vector_storage import store_vectors
from kb.vocabulary.concept_rows import new_concept
from kb.vocabulary.embed_concepts import embed_concepts, set_embedder
from tests.support.concepts import add_concepts, many_texts

COUNT, DIMENSION = 1_500, 32
INFO = EmbedderInfo(name="made-up", revision="1", dimension=DIMENSION)


@pytest.fixture
def embedded(kb: KnowledgeBase) -> KnowledgeBase:
    """1,500 concepts with vectors in clusters, as real ones are."""
    import pyarrow as pa

    dice = np.random.default_rng(0)
    vectors = dice.standard_normal((50, DIMENSION)).repeat(COUNT // 50, axis=0)
    vectors = (vectors + 0.4 * dice.standard_normal((COUNT, DIMENSION))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = [new_concept(read_query(text), "test") for text in many_texts(COUNT)]

    def change(publication) -> tuple[dict[str, int], None]:
        set_embedder(publication, INFO)
        schema = publication.dataset("concepts").schema
        told = [{**row, "embedder": INFO.embedder_id} for row in rows]
        plain = pa.RecordBatch.from_pylist(told, schema=pa.schema([f for f in schema if f.name != "embedding"]))
        column = vector_array(vectors, np.ones(COUNT, dtype=bool), schema.field("embedding").type)
        columns = [column if field.name == "embedding" else plain[field.name] for field in schema]
        publication.write("concepts", [pa.RecordBatch.from_arrays(columns, schema=schema)])
        return {"added": COUNT}, None

    kb.publish("made", change)
    return kb


def found_by_search(kb: KnowledgeBase, queries: np.ndarray, k: int = 10) -> list[list[str]]:
    search = VectorSearch(kb)
    return [[row["concept_id"] for row in search.nearest(query, k, ["concept_id"])] for query in queries]


def true_nearest(kb: KnowledgeBase, queries: np.ndarray, k: int = 10) -> list[list[str]]:
    ids = kb.dataset("concepts").to_table(columns=["concept_id"], filter="embedding IS NOT NULL")["concept_id"]
    rows = exact_nearest(queries, vector_chunks(kb.dataset("concepts")), k).rows
    return [[ids[at].as_py() for at in row] for row in rows.tolist()]


def some_vectors(kb: KnowledgeBase, count: int = 40) -> np.ndarray:
    return np.concatenate(list(vector_chunks(kb.dataset("concepts"))))[:count]


class TestIndex:
    def test_its_recall_is_measured_stored_and_shown(self, embedded: KnowledgeBase) -> None:
        index = build_index(embedded, queries=50, by="ada")
        assert embedded.vector_index == index
        assert (index.rows, index.queries, index.used) == (COUNT, 50, index.recall >= 0.95)
        queries = some_vectors(embedded)
        assert recall(found_by_search(embedded, queries), true_nearest(embedded, queries)) > 0.95
        assert f"recall@10 {index.recall:.3f}" in dict(embedded.status().facts())["index"]
        assert embedded.log()[0].summary["recall_at_10"] == pytest.approx(index.recall, abs=1e-4)

    def test_one_that_falls_short_is_not_used(self, embedded: KnowledgeBase, monkeypatch) -> None:
        monkeypatch.setattr("kb.vectors.vector_index.ENOUGH", 1.01)
        build_index(embedded, queries=20)
        assert VectorSearch(embedded).index is None
        queries = some_vectors(embedded)
        assert found_by_search(embedded, queries) == true_nearest(embedded, queries)
        assert "not used" in dict(embedded.status().facts())["index"]

    def test_without_one_search_is_exact(self, embedded: KnowledgeBase) -> None:
        assert embedded.vector_index is None
        queries = some_vectors(embedded)
        assert found_by_search(embedded, queries) == true_nearest(embedded, queries)

    def test_what_is_curated_since_is_found_beside_it(self, embedded: KnowledgeBase) -> None:
        build_index(embedded, queries=20)
        query = some_vectors(embedded, 1)[0]
        first = embedded.vocabulary.nearest(query, 1)[0].concept_id
        embedded.curate.set_note(first, "rewritten, so that it is in no index")
        assert embedded.vocabulary.nearest(query, 1)[0].concept_id == first
        assert "1 newer ones beside it" in dict(embedded.status().facts())["index"]
        embedded.curate.reject(first)
        assert first not in {hit.concept_id for hit in embedded.vocabulary.nearest(query, 10)}

    def test_a_filter_that_leaves_few_still_finds_k(self, embedded: KnowledgeBase) -> None:
        build_index(embedded, queries=20)
        chosen = [row["concept_id"] for row in embedded.vocabulary.list(limit=400)]
        embedded.curate.reject(*chosen)
        rows = VectorSearch(embedded).nearest(some_vectors(embedded, 1)[0], 30, ["status"], "status = 'rejected'")
        assert [row["status"] for row in rows] == ["rejected"] * 30

    def test_recall_is_sampled_from_what_is_embedded(self, embedded: KnowledgeBase) -> None:
        add_concepts(embedded, many_texts(2_000, "mass"))
        assert build_index(embedded, queries=60).queries == 60

    def test_another_embedder_ends_it(self, embedded: KnowledgeBase, tiny_model) -> None:
        build_index(embedded, queries=20)
        embed_concepts(embedded, load_embedder(str(tiny_model)))
        assert embedded.vector_index is None

    def test_an_earlier_commit_keeps_its_own(self, embedded: KnowledgeBase) -> None:
        built = build_index(embedded, queries=20)
        with_index = embedded.commit.commit_id
        assert drop_index(embedded) and not drop_index(embedded)
        assert embedded.vector_index is None
        assert embedded.at(with_index).vector_index == built

    def test_too_few_vectors_need_none(self, kb: KnowledgeBase, tiny_model) -> None:
        add_concepts(kb, ["mass", "nodule"])
        with pytest.raises(UsageError, match="0 concepts are embedded"):
            build_index(kb)
        embed_concepts(kb, load_embedder(str(tiny_model)))
        with pytest.raises(UsageError, match="2 concepts are embedded"):
            build_index(kb)

    def test_a_vector_of_another_space_is_refused(self, embedded: KnowledgeBase) -> None:
        for vector in (np.ones(3), np.zeros(DIMENSION), np.full(DIMENSION, np.nan)):
            with pytest.raises(UsageError, match="32 finite numbers"):
                embedded.vocabulary.nearest(vector)

    @pytest.mark.soak
    def test_on_the_command_line(self, embedded: KnowledgeBase, cli, cli_json) -> None:
        assert "would index 1,500 vectors" in cli("index", "--dry-run", "--kb", embedded.uri).stderr
        built = cli_json("index", "--kb", embedded.uri, "--queries", "50")
        assert cli_json("status", "--kb", embedded.uri)["index"] == {**built, "beside": 0}
        assert "dropped" in cli("index", "--drop", "--kb", embedded.uri).stderr
        assert cli_json("status", "--kb", embedded.uri)["index"] is None


class TestStorage:
    def test_float16_halves_the_numbers_and_says_what_it_lost(self, embedded: KnowledgeBase) -> None:
        before = some_vectors(embedded, COUNT)
        stored = store_vectors(embedded, "float16", by="ada")
        assert stored.stored_as == "float16"
        assert stored.recall is not None and stored.recall > 0.95
        assert some_vectors(embedded, COUNT) == pytest.approx(before, abs=1e-3)
        assert "float16, recall@10" in dict(embedded.status().facts())["stored as"]

    @pytest.mark.soak
    def test_everything_goes_on_with_float16(self, embedded: KnowledgeBase) -> None:
        store_vectors(embedded, "float16")
        assert build_index(embedded, queries=20).used
        query = some_vectors(embedded, 1)[0]
        first = embedded.vocabulary.nearest(query, 1)[0].concept_id
        change = embedded.curate.reject(first)
        embedded.curate.revert(change.change_id)
        assert embedded.vocabulary.nearest(query, 1)[0].concept_id == first
        assert embedded.vocabulary.list(limit=3) and embedded.diff("HEAD~1").differences
        text = many_texts(8)[-1]
        assert embedded.search(text, words_only=True)[0].text == text

    def test_what_is_added_since_is_embedded_as_float16(self, kb: KnowledgeBase, tiny_model, tmp_path) -> None:
        add_concepts(kb, ["mass"])
        embedder = load_embedder(str(tiny_model))
        embed_concepts(kb, embedder)
        store_vectors(kb, "float16")
        kb.curate.add("nodule")
        embed_concepts(kb, embedder)
        (tmp_path / "r.csv").write_text("id,findings\n1,Small effusion.\n", encoding="utf-8")
        ingest_reports(kb, [tmp_path / "r.csv"], embedder=lambda: embedder)
        assert kb.status().not_embedded == 0
        assert len(some_vectors(kb)) == len(kb.vocabulary) == 3

    def test_an_import_cannot_change_the_type_of_the_others(self, embedded: KnowledgeBase, tmp_path) -> None:
        embedded.export_vocabulary(tmp_path / "x.parquet", vectors=True)
        embedded.curate.add("hiatal hernia")
        with pytest.raises(UsageError, match="change all of them, or none"):
            set_twice(embedded, "float16")
        assert len(some_vectors(embedded, COUNT)) == COUNT

    def test_recall_of_float16_is_measured_on_the_way_in(self, tmp_path) -> None:
        import torch

        lines = "".join(f"{n},{text}\n" for n, text in enumerate(many_texts(40)))
        (tmp_path / "c.csv").write_text(f"concept_idx,concept\n{lines}", encoding="utf-8")
        torch.manual_seed(0)
        torch.save(torch.randn(40, 16), tmp_path / "e.pt")
        kb = KnowledgeBase.create(tmp_path / "bank.kb")
        kb.import_clear(tmp_path / "c.csv", tmp_path / "e.pt", embedder="m", stored_as="float16")
        stored = kb.status().stored
        assert stored.stored_as == "float16" and stored.recall > 0.9

    def test_and_back(self, embedded: KnowledgeBase) -> None:
        start, before = embedded.commit.commit_id, some_vectors(embedded, COUNT)
        store_vectors(embedded, "float16")
        assert store_vectors(embedded, "float32").stored_as == "float32"
        assert some_vectors(embedded, COUNT) == pytest.approx(before, abs=1e-3)
        assert embedded.diff(start).differences == []

    def test_what_makes_no_sense_is_refused(self, embedded: KnowledgeBase, tmp_path) -> None:
        with pytest.raises(UsageError, match="float32 or float16"):
            store_vectors(embedded, "int4")
        with pytest.raises(UsageError, match="nothing is embedded"):
            store_vectors(KnowledgeBase.create(tmp_path / "empty.kb"), "float16")


def set_twice(kb: KnowledgeBase, stored_as: str) -> None:
    kb.publish("made", lambda publication: ({}, set_embedder(publication, INFO, stored_as)))


def test_an_index_tells_all_about_itself() -> None:
    index = VectorIndex(
        name="i",
        kind="hnsw",
        embedder="E1",
        parameters={"build": {}, "search": {"ef": 50}},
        rows=10,
        queries=5,
        recall=0.9,
        p50_ms=1.0,
        exact_ms=2.0,
        build_s=3.0,
    )
    assert index.to_dict()["used"] is False
    assert index.settings == {"ef": 50}

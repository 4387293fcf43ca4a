"""Embedders: what may be loaded, what is refused, and that nothing is computed twice."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import (
    Embedder,
    EmbedderOptions,
    EmbeddingCache,
    EmbeddingError,
    bundled,
    load_embedder,
    load_query_embedder,
    load_stored_embedder,
)
from kb.vectors.embedding.bundled_queries import BundledQueries
from kb.vectors.embedding.embedder import unit_vectors
from kb.vocabulary.embed_concepts import embed_concepts
from tests.support.concepts import add_concepts
from tests.support.embeddings_endpoint import EmbeddingsEndpoint, vectors_for
from tests.support.small_models import tiny_sentence_transformer


class Counting:
    """Counts what an embedder is asked for."""

    def __init__(self, embedder: Embedder):
        self.info = embedder.info
        self.asked: list[str] = []
        self._embedder = embedder

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        return self._embedder.embed(texts)

    def embed_query(self, text: str) -> np.ndarray:
        return self._embedder.embed_query(text)


@pytest.fixture
def tiny(tiny_model: Path) -> Counting:
    return Counting(load_embedder(str(tiny_model)))


class TestBundled:
    def test_it_gives_unit_vectors_that_know_what_is_alike(self, embedder: Embedder) -> None:
        heart, effusion, fluid = embedder.embed(["cardiomegaly", "pleural effusion", "fluid in the pleural space"])
        assert embedder.info.dimension == 384
        assert np.allclose([np.linalg.norm(v) for v in (heart, effusion, fluid)], 1, atol=1e-5)
        assert effusion @ fluid > effusion @ heart

    @pytest.mark.parametrize("text", ["left pleural effusion", "\u6c14\u80f8 [MASK] \u00e9", "word " * 700, ""])
    def test_a_query_has_the_vector_that_torch_gives_it(self, embedder: Embedder, text: str) -> None:
        quick = load_query_embedder(embedder.info)
        assert isinstance(quick, BundledQueries)
        assert np.abs(quick.embed_query(text) - embedder.embed_query(text)).max() < 1e-5

    def test_a_prompt_goes_before_a_query(self, embedder: Embedder) -> None:
        info = replace(embedder.info, query_prompt="chest: ")
        assert np.allclose(
            load_query_embedder(info).embed_query("fluid"), embedder.embed_query("chest: fluid"), atol=1e-5
        )

    def test_no_other_model_is_taken_for_it(self, embedder: Embedder) -> None:
        assert not BundledQueries.can_read(replace(embedder.info, revision="0" * 64))
        assert not BundledQueries.can_read(replace(embedder.info, dtype="bfloat16"))

    def test_weights_that_are_not_upstreams_are_not_loaded(self, tmp_path: Path) -> None:
        forged = tmp_path / "model"
        shutil.copytree(bundled.verified_folder(), forged)
        with (forged / "model.safetensors").open("r+b") as file:
            file.seek(100_000)
            file.write(b"\0\1\2\3")
        with pytest.raises(EmbeddingError, match="not upstream's"):
            bundled.verified_folder(forged)

    def test_missing_weights_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(EmbeddingError, match=r"model\.safetensors"):
            bundled.verified_folder(tmp_path)


class TestSentenceTransformers:
    def test_a_local_folder_loads_with_its_dimension_and_a_fingerprint(self, tiny: Counting) -> None:
        assert tiny.info.dimension == 16
        assert len(tiny.info.revision) == 32

    def test_other_weights_are_another_embedder(self, tiny: Counting, tmp_path: Path) -> None:
        other = load_embedder(str(tiny_sentence_transformer(tmp_path / "other", dimension=16, seed=1)))
        assert other.info.embedder_id != tiny.info.embedder_id

    def test_a_prompt_stands_before_the_concept_and_is_part_of_the_identity(
        self, tiny: Counting, tiny_model: Path
    ) -> None:
        prompted = load_embedder(EmbedderOptions(name=str(tiny_model), prompt="xray: "))
        assert np.allclose(prompted.embed(["nodule"]), tiny.embed(["xray: nodule"]), atol=1e-6)
        assert prompted.info.embedder_id != tiny.info.embedder_id

    def test_a_query_prompt_stands_before_queries_only(self, tiny: Counting, tiny_model: Path) -> None:
        prompted = load_embedder(EmbedderOptions(name=str(tiny_model), query_prompt="find: "))
        assert np.allclose(prompted.embed_query("nodule"), tiny.embed_query("find: nodule"), atol=1e-6)
        assert np.allclose(prompted.embed(["nodule"]), tiny.embed(["nodule"]), atol=1e-6)

    def test_bfloat16_weights_give_float32_unit_vectors(self, tiny_model: Path) -> None:
        vector = load_embedder(EmbedderOptions(name=str(tiny_model), dtype="bfloat16")).embed(["nodule"])
        assert vector.dtype == np.float32
        assert np.allclose(np.linalg.norm(vector), 1, atol=1e-5)

    def test_a_model_that_is_not_there_is_a_clear_error(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(EmbeddingError, match="cannot load the embedder"):
            load_embedder(str(tmp_path / "no-such-model"))

    def test_an_unknown_dtype_is_wrong_usage(self) -> None:
        with pytest.raises(UsageError, match="float8"):
            load_embedder(EmbedderOptions(dtype="float8"))


class TestEndpoint:
    @pytest.mark.soak
    def test_an_endpoint_embeds_in_order(self) -> None:
        def backwards(texts: list[str]) -> tuple[int, object]:
            answer = vectors_for(texts)
            answer["data"].reverse()
            return 200, answer

        with EmbeddingsEndpoint(backwards) as endpoint:
            embedder = load_embedder(endpoint.name)
            both = embedder.embed(["pneumothorax", "nodule"])
            assert np.allclose(both[1], embedder.embed(["nodule"])[0])
            assert embedder.info.dimension == 8

    @pytest.mark.soak
    def test_a_busy_endpoint_is_asked_again(self) -> None:
        busy, broken = (lambda _: (429, {"error": "slow down"})), (lambda _: (500, {"error": "oops"}))
        with EmbeddingsEndpoint(busy, broken, lambda texts: (200, vectors_for(texts))) as endpoint:
            assert load_embedder(endpoint.name).embed(["nodule"]).shape == (1, 8)

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            (lambda texts: (200, vectors_for(texts[:1])), "vectors for 2 texts"),
            (lambda texts: (200, vectors_for(texts, dimension=9)), "9 numbers"),
            (
                lambda texts: (
                    200,
                    {"data": [{"index": i, "embedding": [0.0] * 8} for i, _ in enumerate(texts)]},
                ),
                "zero",
            ),
            (lambda texts: (200, {"data": None}), "no embedding"),
            (lambda texts: (404, {"error": {"message": "no such model"}}), "no such model"),
        ],
    )
    def test_an_answer_that_is_no_embedding_is_an_error(self, answer, message: str) -> None:
        with EmbeddingsEndpoint(lambda texts: (200, vectors_for(texts)), answer) as endpoint:
            embedder = load_embedder(endpoint.name)
            with pytest.raises(EmbeddingError, match=message):
                embedder.embed(["pneumothorax", "nodule"])

    @pytest.mark.parametrize("name", ["openai:model", "openai:@http://x", "openai:model@x"])
    def test_a_name_that_is_no_endpoint_is_wrong_usage(self, name: str) -> None:
        with pytest.raises(UsageError, match="openai:MODEL@URL"):
            load_embedder(name)


def test_a_vector_that_is_not_finite_names_its_text() -> None:
    with pytest.raises(EmbeddingError, match="'nodule'"):
        unit_vectors(np.array([[1.0, 0.0], [np.nan, 1.0]]), ["pneumothorax", "nodule"], "x")


class TestCache:
    def test_a_text_is_computed_once(self, kb: KnowledgeBase, tiny: Counting) -> None:
        cache = EmbeddingCache(kb.storage, tiny.info)
        assert cache.fill(["nodule", "mass", "nodule"], tiny) == 2
        assert cache.fill(["mass", "scar"], tiny) == 1
        assert tiny.asked == ["nodule", "mass", "scar"]

    def test_it_gives_back_what_was_computed(self, kb: KnowledgeBase, tiny: Counting) -> None:
        cache = EmbeddingCache(kb.storage, tiny.info)
        cache.fill(["nodule", "it's a mass"], tiny)
        found = cache.vectors(["it's a mass", "unknown"])
        assert [*found] == ["it's a mass"]
        assert np.allclose(found["it's a mass"], tiny.embed(["it's a mass"])[0], atol=1e-6)

    def test_embedders_do_not_share_vectors(self, kb: KnowledgeBase, tiny: Counting, embedder: Embedder) -> None:
        EmbeddingCache(kb.storage, tiny.info).fill(["nodule"], tiny)
        assert EmbeddingCache(kb.storage, embedder.info).vectors(["nodule"]) == {}


class TestEmbedConcepts:
    def test_it_fills_what_is_missing_and_only_that(self, kb: KnowledgeBase, tiny: Counting) -> None:
        add_concepts(kb, ["pleural effusion", "nodule"])
        assert embed_concepts(kb, tiny).embedded == 2
        add_concepts(kb, ["no pneumothorax"])
        assert kb.status().not_embedded == 1
        assert embed_concepts(kb, tiny).embedded == 1
        assert kb.status().not_embedded == 0
        assert sorted(tiny.asked) == ["no pneumothorax", "nodule", "pleural effusion"]

    def test_nothing_missing_makes_no_commit(self, kb: KnowledgeBase, tiny: Counting) -> None:
        add_concepts(kb, ["nodule"])
        embed_concepts(kb, tiny)
        assert embed_concepts(kb, tiny).commit is None

    def test_every_vector_is_of_its_own_text(self, kb: KnowledgeBase, tiny: Counting) -> None:
        add_concepts(kb, [f"nodule {letter}" for letter in "abcdefgh"])
        embed_concepts(kb, tiny)
        rows = kb.dataset("concepts").to_table(columns=["text", "embedding"]).to_pylist()
        assert np.allclose([row["embedding"] for row in rows], tiny.embed([row["text"] for row in rows]), atol=1e-6)

    def test_another_embedder_replaces_all_vectors_and_history_keeps_the_old(
        self, kb: KnowledgeBase, tiny: Counting, embedder: Embedder
    ) -> None:
        add_concepts(kb, ["pleural effusion", "nodule"])
        embed_concepts(kb, tiny)
        kb.tag("tiny")
        assert embed_concepts(kb, embedder).embedded == 2
        assert kb.embedder == embedder.info
        assert kb.dataset("concepts").schema.field("embedding").type.list_size == 384
        assert kb.at("tiny").embedder == tiny.info
        assert kb.at("tiny").dataset("concepts").schema.field("embedding").type.list_size == 16

    def test_a_dry_run_counts_and_writes_nothing(self, kb: KnowledgeBase, tiny: Counting) -> None:
        add_concepts(kb, ["nodule"])
        before = kb.commit
        assert embed_concepts(kb, tiny, dry_run=True).embedded == 1
        assert KnowledgeBase.open(kb.uri).commit == before
        assert tiny.asked == []


def test_a_small_model_tells_texts_apart(tiny_model: Path) -> None:
    one, other = load_embedder(str(tiny_model)).embed(["mass", "nodule"])
    assert abs(float(one @ other)) < 0.9999


def test_the_stored_embedder_comes_back_with_its_prompts(tiny_model: Path) -> None:
    info = load_embedder(EmbedderOptions(name=str(tiny_model), prompt="xray: ", query_prompt="find: ")).info
    assert load_stored_embedder(info).info == info


def test_a_model_folder_whose_weights_changed_is_refused(tmp_path: Path) -> None:
    folder = tiny_sentence_transformer(tmp_path / "m", dimension=16, seed=0)
    info = load_embedder(str(folder)).info
    shutil.rmtree(folder)
    shutil.copytree(tiny_sentence_transformer(tmp_path / "n", dimension=16, seed=1), folder)
    with pytest.raises(EmbeddingError, match="no longer the embedder"):
        load_stored_embedder(info)

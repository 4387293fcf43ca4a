"""The precision of stored vectors: one for all of an encoder, told beside them, and never mixed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from encoder.explanation.explanation import Explainer
from encoder.model.checkpoint import Checkpoint
from encoder.prediction.runs import read_run, require_its_vectors
from encoder.vectors import encoding
from encoder.vectors.encoding import encode
from encoder.vectors.image_vectors import read_image_vectors
from encoder.vectors.precision import Computed, computed, computing_in
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.stored_rows import put
from tests.support.untrained import pictures, untrained

HALF = "image_id < 'im0006'"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return untrained(tmp_path_factory.mktemp("untrained") / "e")


@pytest.fixture
def kb(tmp_path: Path) -> KnowledgeBase:
    return pictures(tmp_path / "p")


def stored(kb: KnowledgeBase, checkpoint: Checkpoint) -> np.ndarray:
    return read_image_vectors(kb, checkpoint.encoder_id).matrix


def test_vectors_say_what_they_were_computed_in_and_float32_is_the_default(
    kb: KnowledgeBase, checkpoint: Checkpoint
) -> None:
    assert computed(kb, checkpoint.encoder_id) is None
    assert encode(kb, checkpoint).computed == Computed("float32", ("cpu",))
    row = kb.dataset("encoders").to_table().to_pylist()[0]
    assert (row["precision"], row["devices"]) == ("float32", ["cpu"])


def test_bfloat16_vectors_are_other_numbers_of_length_1(kb: KnowledgeBase, checkpoint: Checkpoint) -> None:
    encode(kb, checkpoint)
    exact = stored(kb, checkpoint)
    encode(kb, checkpoint, precision="bfloat16", again=True)
    rounded = stored(kb, checkpoint)
    assert 1e-5 < np.abs(exact - rounded).max() < 0.1
    assert np.linalg.norm(rounded, axis=1) == pytest.approx(np.ones(len(rounded)), abs=1e-6)
    assert computed(kb, checkpoint.encoder_id) == Computed("bfloat16", ("cpu",))


def test_further_images_are_encoded_as_the_others_were(kb: KnowledgeBase, checkpoint: Checkpoint) -> None:
    encode(kb, checkpoint, where=HALF, precision="bfloat16")
    assert encode(kb, checkpoint).computed.precision == "bfloat16"
    found = stored(kb, checkpoint)
    encode(kb, checkpoint, precision="bfloat16", again=True)
    assert stored(kb, checkpoint) == pytest.approx(found, abs=1e-6)


@pytest.mark.parametrize(("first", "then"), [("float32", "bfloat16"), ("bfloat16", "float32")])
def test_another_precision_beside_stored_vectors_is_refused_and_nothing_changes(
    kb: KnowledgeBase, checkpoint: Checkpoint, first: Any, then: Any
) -> None:
    encode(kb, checkpoint, where=HALF, precision=first)
    before = kb.commit.commit_id, stored(kb, checkpoint)
    with pytest.raises(UsageError, match=rf"are {first} on cpu, and {then} ones would be other numbers"):
        encode(kb, checkpoint, precision=then)
    assert kb.at("HEAD").commit.commit_id == before[0]
    assert stored(kb, checkpoint) == pytest.approx(before[1], abs=0)


def test_a_writer_that_comes_between_with_another_precision_is_not_mixed_in(
    kb: KnowledgeBase, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "COMMIT_EVERY", 4)
    other = KnowledgeBase.open(kb.uri)

    class Between:
        def stage(self, name: str, total: int | None) -> None: ...

        def advance(self, done: int, items: int) -> None:
            if done == 2:
                encode(other, checkpoint, where="image_id = 'im0011.png'", precision="bfloat16")

    with pytest.raises(UsageError, match="are bfloat16 on cpu, and float32 ones"):
        encode(kb, checkpoint, batch_size=2, precision="float32", watcher=Between())
    assert len(stored(kb.at("HEAD"), checkpoint)) == 1


def test_again_leaves_none_of_the_old_vectors_even_where_it_is_interrupted(
    kb: KnowledgeBase, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode(kb, checkpoint)
    exact = stored(kb, checkpoint)
    monkeypatch.setattr(encoding, "COMMIT_EVERY", 4)

    class Stops:
        def stage(self, name: str, total: int | None) -> None: ...

        def advance(self, done: int, items: int) -> None:
            if done > 6:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(kb, checkpoint, batch_size=2, precision="bfloat16", again=True, watcher=Stops())
    found = read_image_vectors(kb, checkpoint.encoder_id)
    assert len(found) == 4
    assert (np.abs(found.matrix - exact[:4]).max(axis=1) > 1e-5).all()
    assert encode(kb, checkpoint).encoded == 8
    assert computed(kb, checkpoint.encoder_id) == Computed("bfloat16", ("cpu",))


def test_again_for_some_images_is_refused(kb: KnowledgeBase, checkpoint: Checkpoint) -> None:
    with pytest.raises(UsageError, match="name no condition"):
        encode(kb, checkpoint, where=HALF, again=True)


def test_the_layers_of_an_encoder_are_described_each_by_itself(kb: KnowledgeBase, checkpoint: Checkpoint) -> None:
    encode(kb, checkpoint)
    encode(kb, checkpoint, layer="backbone", precision="bfloat16")
    assert computed(kb, checkpoint.encoder_id) == Computed("float32", ("cpu",))
    assert computed(kb, checkpoint.encoder_id + ":backbone") == Computed("bfloat16", ("cpu",))


def test_a_run_of_vectors_that_were_replaced_by_others_of_another_precision_is_not_taken_apart(
    kb: KnowledgeBase, checkpoint: Checkpoint
) -> None:
    encode(kb, checkpoint)
    now, head = datetime.now(UTC), {"label": "nodule", "weights": [1.0] * 16, "bias": 0.0, "scale": 1.0}
    about = {"run": "r", "method": "probe", "space": "encoder", "encoder": checkpoint.encoder_id, "time": now}
    put(kb, "runs", [{**about, "parameters": json.dumps({"precision": "float32"}), "heads": [head]}])
    run = read_run(kb, "r")
    require_its_vectors(kb, run)
    encode(kb, checkpoint, precision="bfloat16", again=True)
    said = r"run 'r' was made of float32 vectors, and those of N\w+ here are bfloat16 now: predict anew"
    with pytest.raises(UsageError, match=said):
        require_its_vectors(kb, run)
    with pytest.raises(UsageError, match=said):
        Explainer(kb, checkpoint, "r")


def test_float32_is_no_tf32_and_what_was_set_before_is_set_again() -> None:
    was = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    try:
        with computing_in("float32", "cuda:0"):
            assert torch.get_float32_matmul_precision() == "highest"
            assert not torch.backends.cudnn.allow_tf32
        assert torch.get_float32_matmul_precision() == "high"
        assert torch.backends.cudnn.allow_tf32
    finally:
        torch.set_float32_matmul_precision(was[0])
        torch.backends.cudnn.allow_tf32 = was[1]


def test_vectors_do_not_depend_on_the_images_of_their_batch(kb: KnowledgeBase, checkpoint: Checkpoint) -> None:
    encode(kb, checkpoint, batch_size=1)
    alone = stored(kb, checkpoint)
    encode(kb, checkpoint, batch_size=12, again=True)
    assert stored(kb, checkpoint) == pytest.approx(alone, abs=1e-6)


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.soak
def test_the_command_names_both_precisions_and_the_two_ways_out(
    kb: KnowledgeBase, checkpoint: Checkpoint, cli: Run, cli_json: Callable[..., Any]
) -> None:
    asked = ("encode", "--encoder", checkpoint.folder, "--kb", kb.uri)
    told = cli_json(*asked, "--where", HALF, "--precision", "bfloat16")
    assert (told["precision"], told["devices"]) == ("bfloat16", ["cpu"])
    refused = cli(*asked, "--precision", "float32", code=2).stderr.strip()
    assert len(refused.splitlines()) == 1
    assert "are bfloat16 on cpu, and float32 ones would be other numbers" in refused
    assert "encode in bfloat16, or all images again" in refused
    assert "--precision PRECISION, or --again, which replaces all" in refused
    assert "numbers  float32 on cpu" in cli(*asked, "--precision", "float32", "--again").stdout

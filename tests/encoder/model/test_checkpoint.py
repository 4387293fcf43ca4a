"""Checkpoints: whole or refused, with what is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from encoder.model.checkpoint import load_checkpoint, read_facts
from kb.errors import ClearKbError, UsageError


@pytest.fixture
def copy(shapes, tmp_path: Path) -> Callable[[str], Path]:
    def made(objective: str = "concepts") -> Path:
        folder: Path = getattr(shapes, objective).folder
        return Path(shutil.copytree(folder, tmp_path / objective))

    return made


def edit(folder: Path, **values: object) -> None:
    path = folder / "encoder.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize("objective", ["concepts", "report"])
def test_what_is_loaded_computes_what_was_saved(shapes, copy, objective: str) -> None:
    loaded = load_checkpoint(copy(objective))
    original = getattr(shapes, objective)
    pixels = torch.rand(3, 32, 32) * 255
    with torch.no_grad():
        assert torch.equal(loaded.encoder.image(pixels), original.encoder.image(pixels))
    assert loaded.encoder_id == original.encoder_id
    assert loaded.text_side.text_side_id == original.text_side.text_side_id
    assert loaded.facts.code and loaded.facts.training["objective"] == objective


def test_what_is_expected_of_it_has_to_hold(shapes, copy) -> None:
    folder = copy()
    facts = read_facts(folder)
    load_checkpoint(folder, expect={"embedder": facts.embedder, "preprocessing": facts.preprocessing})
    with pytest.raises(ClearKbError, match=r"of embedder .*, not another"):
        load_checkpoint(folder, expect={"embedder": "another"})


def test_changed_or_missing_weights_are_refused(copy) -> None:
    folder = copy()
    tensors = load_file(folder / "weights.safetensors")
    tensors["bias"] = tensors["bias"] + 1
    save_file(tensors, folder / "weights.safetensors")
    with pytest.raises(ClearKbError, match="SHA-256 differs"):
        load_checkpoint(folder)
    (folder / "weights.safetensors").unlink()
    with pytest.raises(ClearKbError, match="missing"):
        load_checkpoint(folder)


def test_a_changed_tokenizer_is_refused(copy) -> None:
    folder = copy("report")
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ClearKbError, match=r"tokenizer\.json is missing or not the file"):
        load_checkpoint(folder)


def test_weights_that_do_not_fit_are_named(copy) -> None:
    folder = copy()
    facts = json.loads((folder / "encoder.json").read_text())
    facts["architecture"]["image"]["dimension"] = 17
    edit(folder, architecture=facts["architecture"])
    with pytest.raises(ClearKbError, match=r"image\.projection\.weight is \(16, 32\), not \(17, 32\)"):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format": 9}, "format 9"),
        ({"architecture": {"image": {}, "text": {}}}, "architecture.text: 'kind' is a required property"),
    ],
)
def test_facts_that_cannot_be_used_are_refused(copy, values: dict[str, object], message: str) -> None:
    folder = copy()
    edit(folder, **values)
    with pytest.raises(ClearKbError, match=message):
        load_checkpoint(folder)


def test_a_folder_without_one_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no checkpoint"):
        load_checkpoint(tmp_path)
    (tmp_path / "encoder.json").write_text("{")
    with pytest.raises(ClearKbError, match="is no JSON that can be read"):
        load_checkpoint(tmp_path)

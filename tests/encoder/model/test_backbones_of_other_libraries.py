"""Backbones of timm, torchvision and open_clip, in a process of their own where torchvision does not fit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.backbone_table import stored_table
from tests.support.other_libraries import found_in_other_libraries
from tests.support.small_backbones import SMALL


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    there = found_in_other_libraries()
    if there is None:
        pytest.skip("timm, torchvision and open_clip are not here")
    return there


@pytest.mark.soak
def test_the_table_in_the_docs_is_what_is_found(found: dict[str, Any]) -> None:
    assert found["rows"] == stored_table()[len(SMALL) :], "python -m tests.support.backbone_table writes it anew"


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["gelu", "quick_gelu", "trunk"])
def test_features_are_those_that_open_clip_and_timm_give(found: dict[str, Any], kind: str) -> None:
    assert found["apart"][kind] < 1e-5


@pytest.mark.soak
def test_a_folder_of_timm_with_a_classifier_gives_its_features_and_their_mean(found: dict[str, Any]) -> None:
    assert found["folder"] == [64, "mean", [127.5]]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("unknown", "timm has no network 'test_vitt': 'test_vit' was meant?"),
        ("margin", "does not read pictures of 170 x 170 pixels"),
        ("another", "these weights are not of torchvision:resnet18: conv1.weight is missing"),
        ("unknown torchvision", "torchvision has no network 'resnet17': 'resnet18' was meant?"),
        ("pooling", "torchvision's resnet18 is read as it pools itself: pooling auto"),
        ("no architecture", "name its architecture, timm:NAME or torchvision:NAME"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(found: dict[str, Any], what: str, message: str) -> None:
    assert message in found["errors"][what]
    assert "\n" not in found["errors"][what]

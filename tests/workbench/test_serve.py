"""`clear-kb serve` as a person runs it, looked at in a real browser."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kb.knowledge_base import KnowledgeBase
from tests.support.browser import LOOKS, Window
from tests.support.served import served

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.soak
def test_a_taken_port_is_said(kb: KnowledgeBase, cli: Cli) -> None:
    with served(kb.uri) as address:
        port = address.split(":")[2].split("/")[0]
        done = cli("serve", "--kb", kb.uri, "--port", port, code=2)
    assert f"port {port} of 127.0.0.1 cannot be had" in done.stderr


def test_other_machines_need_a_token_from_a_file(kb: KnowledgeBase, cli: Cli) -> None:
    done = cli("serve", "--kb", kb.uri, "--host", "0.0.0.0", code=2)
    assert "--token-file" in done.stderr


def test_a_knowledge_base_that_is_not_there_is_said(tmp_path: Path, cli: Cli) -> None:
    done = cli("serve", "--kb", tmp_path / "none.kb", code=2)
    assert "there is no knowledge base" in done.stderr


@pytest.mark.parametrize(
    ("width", "dark"),
    [LOOKS[0], *(pytest.param(*look.values, id=look.id, marks=pytest.mark.soak) for look in LOOKS[1:])],
)
def test_the_first_page_is_clean_in_every_size_and_light(
    ward_kb: KnowledgeBase, open_workbench: Callable[..., Window], width: int, dark: bool
) -> None:
    at = open_workbench(ward_kb, "--read-only", width=width, dark=dark)
    page = at.open("/")
    assert page.get_by_role("heading", level=1).inner_text() == "ward.kb"
    at.assert_clean()
    at.assert_fits()


@pytest.mark.soak
def test_keys_are_listed_and_a_dialog_closes_by_escape(
    kb: KnowledgeBase, open_workbench: Callable[..., Window]
) -> None:
    at = open_workbench(kb)
    page = at.open("/")
    page.keyboard.press("?")
    assert page.get_by_role("dialog").get_by_text("show the keys").is_visible()
    at.assert_clean()
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/")


@pytest.mark.soak
def test_what_another_does_is_told_on_the_page(kb: KnowledgeBase, open_workbench: Callable[..., Window]) -> None:
    page = open_workbench(kb).open("/")
    kb.curate.add("pneumothorax", by="bea")
    page.get_by_text("bea").wait_for()


@pytest.mark.soak
def test_a_held_key_is_no_second_press(kb: KnowledgeBase, open_workbench: Callable[..., Window]) -> None:
    page = open_workbench(kb).open("/")
    page.evaluate(
        """() => {
            const button = document.createElement("button");
            Object.assign(button.dataset, { key: "x", keyTwice: "Press x again" });
            button.textContent = "No observation";
            button.addEventListener("click", () => (window.pressed = (window.pressed ?? 0) + 1));
            document.querySelector("main").append(button);
        }"""
    )
    for _ in range(5):
        page.keyboard.down("x")
    assert page.evaluate("window.pressed ?? 0") == 0
    assert page.get_by_text("Press x again").is_visible()
    page.keyboard.up("x")
    page.keyboard.press("x")
    assert page.evaluate("window.pressed") == 1

"""Who may ask: the way in by a token, and every way that strangers may try."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.workbench_client import HOME, KEY, client_of
from workbench.access import MARK
from workbench.app import make_app
from workbench.desk import Desk
from workbench.serving import known_hosts, read_token


@pytest.fixture
def stranger(kb: KnowledgeBase) -> TestClient:
    """A client that was not let in."""
    app = make_app(Desk(kb.uri, author="ada"), key=KEY, hosts=known_hosts("127.0.0.1"))
    return TestClient(app, base_url=HOME, follow_redirects=False)


def test_without_the_token_nothing_is_shown(stranger: TestClient) -> None:
    answer = stranger.get("/")
    assert answer.status_code == 401
    assert "test.kb" not in answer.text


def test_the_token_gives_a_cookie_and_leaves_the_address(stranger: TestClient) -> None:
    answer = stranger.get("/", params={"token": KEY.token, "tab": "2"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?tab=2")
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert KEY.token not in answer.headers["set-cookie"]
    assert stranger.get("/").status_code == 200


@pytest.mark.parametrize("token", ["", "wrong", KEY.token + "x", KEY.session, "ä" * 40])
def test_another_token_gives_nothing(stranger: TestClient, token: str) -> None:
    assert stranger.get("/", params={"token": token}).status_code == 401
    assert stranger.post("/enter", data={"token": token}, headers={"origin": HOME}).status_code == 401
    assert stranger.get("/").status_code == 401


def test_the_token_can_be_typed(stranger: TestClient) -> None:
    assert stranger.post("/enter", data={"token": KEY.token}, headers={"origin": HOME}).status_code == 303
    assert stranger.get("/").status_code == 200


def test_a_name_that_leads_to_this_machine_is_none_of_ours(kb: KnowledgeBase) -> None:
    client = client_of(kb)
    assert client.get("/").status_code == 200
    assert client.get("/", headers={"host": "attacker.example:8800"}).status_code == 421
    assert client.get("/", headers={"host": "127.0.0.1.attacker.example"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://attacker.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": ""},
        {MARK: "wrong"},
        {MARK: ""},
    ],
)
def test_what_changes_something_has_to_come_from_our_own_page(kb: KnowledgeBase, headers: dict[str, str]) -> None:
    client = client_of(kb)
    kb.curate.add("pneumothorax", by="ada")
    change = KnowledgeBase.open(kb.uri).changes()[0].change_id
    assert client.post(f"/undo/{change}", headers=headers).status_code == 403
    assert len(KnowledgeBase.open(kb.uri).changes()) == 1
    assert client.post(f"/undo/{change}").status_code == 200
    assert len(KnowledgeBase.open(kb.uri).changes()) == 2


@pytest.mark.parametrize("how", [{"read_only": True}, {"at": "HEAD"}])
def test_a_read_only_workbench_changes_nothing(kb: KnowledgeBase, how: dict[str, object]) -> None:
    kb.curate.add("pneumothorax", by="ada")
    change = kb.changes()[0].change_id
    client = client_of(kb, **how)
    assert client.post(f"/undo/{change}").status_code == 403
    assert len(KnowledgeBase.open(kb.uri).changes()) == 1
    assert "read-only" in client.get("/", headers={"hx-request": ""}).text


def test_pages_are_kept_by_nobody_and_run_no_script_of_others(kb: KnowledgeBase) -> None:
    answer = client_of(kb).get("/")
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_address_of_another_file_leads_nowhere(stranger: TestClient) -> None:
    for path in ("/assets/../app.py", "/assets/%2e%2e/app.py", "/assets/vendor/../../desk.py"):
        assert "def " not in stranger.get(path).text


def test_a_token_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "token"
    with pytest.raises(UsageError, match="there is no file"):
        read_token(path)
    path.write_text("a" * 40)
    path.chmod(0o644)
    with pytest.raises(UsageError, match="can be read by others"):
        read_token(path)
    path.chmod(0o600)
    assert read_token(path) == "a" * 40
    path.write_text("short")
    with pytest.raises(UsageError, match="holds no token"):
        read_token(path)


@pytest.mark.parametrize("path", ["/assets/nope", "/enter", "/assets/"])
def test_an_error_on_the_way_in_shows_a_stranger_nothing(stranger: TestClient, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code in (404, 405)
    assert "test.kb" not in answer.text and KEY.mark not in answer.text


def test_what_nobody_foresaw_is_said_in_one_line_and_keeps_the_headers(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr("kb.knowledge_base.read_status", broken)
    answer = client_of(kb).get("/", headers={"hx-request": ""})
    assert answer.status_code == 500
    assert "the disk is on fire" in answer.text and "Traceback" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_page_of_an_earlier_run_becomes_the_way_in(stranger: TestClient) -> None:
    assert stranger.get("/pulse", headers={"hx-request": "true"}).headers["HX-Refresh"] == "true"

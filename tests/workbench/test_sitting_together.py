"""Two at one knowledge base: each acts by a name, and sees what the other did."""

from __future__ import annotations

from kb.knowledge_base import KnowledgeBase
from tests.support.workbench_client import client_of


def test_an_act_is_kept_with_the_name_that_the_visitor_gave(kb: KnowledgeBase) -> None:
    kb.curate.add("pneumothorax", by="ada")
    client = client_of(kb)
    assert "Zoë B" in client.post("/who", data={"name": "  Zoë\tB "}).text
    assert client.post(f"/undo/{kb.changes()[0].change_id}").status_code == 200
    assert KnowledgeBase.open(kb.uri).changes()[-1].author == "Zoë B"


def test_a_name_is_needed(kb: KnowledgeBase) -> None:
    answer = client_of(kb).post("/who", data={"name": " \t"})
    assert answer.status_code == 400
    assert "a name is needed" in answer.text


def test_the_pulse_tells_of_others_and_not_of_oneself(kb: KnowledgeBase) -> None:
    client = client_of(kb)
    seen = kb.commit.commit_id
    assert client.get("/pulse", params={"since": seen}).status_code == 204
    kb.curate.add("pneumothorax", by="ada")
    assert "Reload" not in client.get("/pulse", params={"since": seen}).text
    kb.curate.add("cardiomegaly", by="bea", why="seen often")
    told = client.get("/pulse", params={"since": seen})
    assert "bea" in told.text and "seen often" in told.text and "Reload" in told.text
    assert kb.commit.commit_id in told.text


def test_what_cannot_be_undone_is_said(kb: KnowledgeBase) -> None:
    answer = client_of(kb).post("/undo/X0000")
    assert answer.status_code == 400
    assert "is no change" in answer.text and 'class="wrong"' in answer.text


def test_a_page_that_is_not_there_is_said_in_words(kb: KnowledgeBase) -> None:
    answer = client_of(kb).get("/nowhere", headers={"hx-request": ""})
    assert answer.status_code == 404
    assert "There is no such page" in answer.text

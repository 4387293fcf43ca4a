"""The Vocabulary page as HTML: what it lists, what a concept tells, and what its acts do."""

from __future__ import annotations

import html
import re
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from starlette.testclient import TestClient

from kb.knowledge_base import KnowledgeBase
from schemas.terms import IN_USE
from tests.support.concepts import add_concepts
from tests.support.mined import concept_id, mined_in
from tests.support.tables import fill
from tests.support.workbench_client import client_of

EFFUSION = concept_id("large right pleural effusion")
NO_TUBE = concept_id("no pneumothorax")
TUBE = concept_id("chest tube")
HEART = concept_id("cardiomegaly")


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return mined_in(tmp_path_factory.mktemp("pages"))


@pytest.fixture
def base(mined: KnowledgeBase, tmp_path: Path) -> KnowledgeBase:
    """A copy that a test may change."""
    return KnowledgeBase.open(copytree(mined.uri, tmp_path / "mined.kb"))


@pytest.fixture
def client(base: KnowledgeBase) -> TestClient:
    return client_of(base)


def status(base: KnowledgeBase, of: str) -> str:
    return KnowledgeBase.open(base.uri).vocabulary.get(of).status


def test_words_filter_the_list_and_the_address_follows(client: TestClient) -> None:
    answer = client.get("/vocabulary/results", params={"q": "eff", "laterality": "right"})
    assert "large right pleural effusion" in answer.text and "small left" not in answer.text
    assert answer.headers["hx-replace-url"] == "/vocabulary/?q=eff&laterality=right"


def test_where_the_list_is_short_other_names_are_looked_for(client: TestClient) -> None:
    short = client.get("/vocabulary/results", params={"q": "cor magnum"}).text
    assert "No concept says that" in short and "/vocabulary/near?q=cor%20magnum" in short
    near = client.get("/vocabulary/near", params={"q": "cor magnum"}).text
    assert "cardiomegaly" in near
    assert "cardiomegaly" not in client.get("/vocabulary/near", params={"q": "cor magnum", "listed": HEART}).text
    assert client.get("/vocabulary/near", params={"q": "zxqv"}).text.strip() == ""


@pytest.mark.parametrize(
    "asked",
    [
        {"finding": "fracture"},
        {"finding": "rib fracture"},
        {"anatomy": "lung"},
        {"anatomy": "base"},
        {"anatomy": "none"},
        {"label": "Lung Opacity"},
        {"label": "Fracture"},
        {"label": "No Finding"},
        {"label": "Pneumothorax", "assertion": "absent"},
        {"label": "Fracture", "finding": "rib fracture"},
        {"kind": "device"},
        {"kind": "other", "status": "aside"},
        {"laterality": "none"},
        {"severity": "none"},
        {"source": "rules"},
        {"status": "candidate"},
    ],
    ids=str,
)
def test_filters_find_what_the_command_line_finds(
    client: TestClient, mined: KnowledgeBase, asked: dict[str, str]
) -> None:
    said: dict[str, Any] = {name: value for name, value in asked.items() if name != "finding"}
    found = mined.vocabulary.list(**said, findings=[asked["finding"]] if "finding" in asked else None)
    wanted = [row for row in found if "status" in asked or row["status"] in IN_USE]
    total = re.search(
        r"of ([\d,]+)\s*</p>|(No concept says that)", client.get("/vocabulary/results", params=asked).text
    )
    assert total
    assert int((total[1] or "0").replace(",", "")) == len(wanted)


def test_a_label_that_names_no_findings_is_not_offered(client: TestClient, base: KnowledgeBase) -> None:
    fill(base, labels=[{"image_id": "i1", "label": "Signed By", "value": 1, "source": "test"}])
    answer = client.get("/vocabulary/results").text
    assert ">Pneumothorax</option>" in answer and "Signed By" not in answer
    assert client.get("/vocabulary/results", params={"label": "Signed By"}).status_code == 400


def test_a_question_that_makes_no_sense_is_said(client: TestClient) -> None:
    for wrong in ({"page": "0"}, {"page": "x"}, {"status": "lost"}, {"q": "x" * 300}):
        assert client.get("/vocabulary/results", params=wrong).status_code == 400


def test_what_is_typed_is_text_and_no_markup(client: TestClient) -> None:
    answer = client.get("/vocabulary/", params={"q": '"><script>alert(1)</script>'}, headers={"hx-request": ""})
    assert "<script>alert" not in answer.text


def test_a_concept_tells_its_evidence_with_the_mention_marked(client: TestClient) -> None:
    answer = client.get(f"/vocabulary/concept/{EFFUSION}").text
    assert "<mark>Large right pleural effusion</mark>" in answer
    assert "<html" not in answer  # a part of the page
    whole = client.get(f"/vocabulary/concept/{EFFUSION}", headers={"hx-request": ""}).text
    assert "<html" in whole and f'hx-get="/vocabulary/concept/{EFFUSION}?"' in whole  # what is long comes after it
    back = client.get(f"/vocabulary/concept/{EFFUSION}", headers={"hx-history-restore-request": "true"}).text
    assert "<html" in back


def test_the_report_is_shown_around_the_mention(client: TestClient) -> None:
    answer = client.get("/vocabulary/report", params={"report": "r3", "concept": EFFUSION}).text
    assert "<mark>Large right pleural effusion</mark>. Healed left rib fracture." in answer
    assert client.get("/vocabulary/report", params={"report": "none", "concept": EFFUSION}).status_code == 400
    assert client.get("/vocabulary/report", params={"concept": EFFUSION}).status_code == 400


def test_what_is_wider_and_narrower_is_told_with_its_counts(client: TestClient) -> None:
    answer = client.get(f"/vocabulary/concept/{concept_id('left rib fracture')}/around").text
    assert "healed left rib fracture" in answer


def test_thumbnails_are_of_the_studies_that_mention_it(client: TestClient) -> None:
    told = client.get(f"/vocabulary/concept/{concept_id('small left pleural effusion')}/pictures").text
    assert "data:image/png" in told and 'alt="Image i1"' in told and 'href="/images/one?image=i1"' in told
    assert "<img" not in client.get(f"/vocabulary/concept/{TUBE}/pictures").text


def test_the_hierarchy_opens_step_by_step_with_counts_rolled_up(client: TestClient) -> None:
    top = client.get("/vocabulary/tree").text
    assert "abnormality" in top
    under = client.get("/vocabulary/tree", params={"finding": "rib fracture"}).text
    assert "left rib fracture" in under
    narrower = client.get(
        "/vocabulary/tree", params={"finding": "rib fracture", "under": concept_id("left rib fracture")}
    ).text
    assert "healed left rib fracture" in narrower
    denied = client.get("/vocabulary/tree", params={"assertion": "absent"}).text
    assert ">6 <small>in 2 concepts" in denied  # no pneumothorax, no pleural effusion


def test_an_act_is_a_change_by_the_visitor_and_can_be_undone(client: TestClient, base: KnowledgeBase) -> None:
    answer = client.post(f"/vocabulary/concept/{TUBE}/accept", data={"shown": '{"status": "candidate"}'})
    (change,) = KnowledgeBase.open(base.uri).changes()
    assert (change.act, change.author, status(base, TUBE)) == ("accept", "ada", "accepted")
    assert f"/undo/{change.change_id}" in answer.text and "acted" in answer.headers["hx-trigger-after-settle"]
    client.post(f"/undo/{change.change_id}")
    assert status(base, TUBE) == "candidate"
    assert "undone" in client.get(f"/vocabulary/concept/{TUBE}").text


@pytest.mark.parametrize(
    ("act", "said", "field", "value"),
    [
        ("reject", {}, "status", "rejected"),
        ("rename", {"text": "thoracostomy tube"}, "text", "thoracostomy tube"),
        ("add-name", {"name": "pleural drain"}, "synonyms", ("pleural drain",)),
        ("note", {"note": "ask bea"}, "note", "ask bea"),
        ("facet", {"facet": "laterality", "value": "left"}, "laterality", "left"),
    ],
)
def test_each_act_does_what_it_says(
    client: TestClient, base: KnowledgeBase, act: str, said: dict[str, str], field: str, value: object
) -> None:
    assert client.post(f"/vocabulary/concept/{TUBE}/{act}", data=said).status_code == 200
    assert getattr(KnowledgeBase.open(base.uri).vocabulary.get(TUBE), field) == value


def test_a_name_can_be_taken_away_again(client: TestClient, base: KnowledgeBase) -> None:
    client.post(f"/vocabulary/concept/{TUBE}/add-name", data={"name": "drain"})
    client.post(f"/vocabulary/concept/{TUBE}/remove-name", data={"name": "drain"})
    assert KnowledgeBase.open(base.uri).vocabulary.get(TUBE).synonyms == ()


def test_a_merge_is_offered_what_it_would_take_and_moves_the_mentions(client: TestClient, base: KnowledgeBase) -> None:
    offered = client.get(f"/vocabulary/targets/{HEART}", params={"words": "lung"}).text
    assert "clear lungs" in offered and "no " not in offered.replace("no observation", "")
    into = concept_id("clear lungs")
    client.post(f"/vocabulary/concept/{HEART}/merge", data={"into": into})
    assert KnowledgeBase.open(base.uri).vocabulary.resolve(HEART).concept_id == into
    listed = client.get("/vocabulary/results", params={"q": "clear lungs"}).text
    assert ">4<" in listed  # its own mention and three of the other


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("merge", {}),
        ("merge", {"into": NO_TUBE}),
        ("rename", {"text": " "}),
        ("add-name", {}),
        ("facet", {"facet": "assertion", "value": "absent"}),
        ("facet", {}),
        ("remove-name", {"name": "nobody calls it that"}),
        ("dance", {}),
        ("accept", {"shown": '{"status": "rejected"}'}),
    ],
)
def test_what_makes_no_sense_is_said_and_changes_nothing(
    client: TestClient, base: KnowledgeBase, act: str, said: dict[str, str]
) -> None:
    answer = client.post(f"/vocabulary/concept/{TUBE}/{act}", data=said)
    assert answer.status_code == 400 and 'class="wrong"' in answer.text
    assert len(KnowledgeBase.open(base.uri).changes()) == 0


def test_what_another_curator_decided_meanwhile_is_not_overturned(client: TestClient, base: KnowledgeBase) -> None:
    base.curate.reject(TUBE, by="bea")
    answer = client.post(f"/vocabulary/concept/{TUBE}/accept", data={"shown": '{"status": "candidate"}'})
    assert answer.status_code == 400 and "rejected" in answer.text
    assert status(base, TUBE) == "rejected"


def test_what_was_undone_is_said_and_times_are_of_utc(client: TestClient, base: KnowledgeBase) -> None:
    client.post(f"/vocabulary/concept/{TUBE}/accept", data={"status": "candidate"})
    (change,) = KnowledgeBase.open(base.uri).changes()
    assert "Undone: ada: &#39;chest tube&#39;" in client.post(f"/undo/{change.change_id}").text
    for path in (f"/vocabulary/concept/{TUBE}", "/", "/review/progress"):
        assert re.search(r"\d\d:\d\d UTC", client.get(path).text), path


def test_the_list_follows_what_others_do(client: TestClient, base: KnowledgeBase) -> None:
    assert "chest tube" in client.get("/vocabulary/results", params={"q": "tube"}).text
    base.curate.rename(TUBE, "thoracostomy tube", by="bea")
    assert "thoracostomy tube" in client.get("/vocabulary/results", params={"q": "thoraco"}).text
    base.curate.reject(TUBE, by="bea")
    assert "No concept says that" in client.get("/vocabulary/results", params={"q": "tube"}).text
    base.curate.add("hiatal hernia", by="bea")
    assert "hiatal hernia" in client.get("/vocabulary/results", params={"q": "hernia"}).text


def test_a_concept_that_is_not_there_is_said(client: TestClient) -> None:
    for path in ("/vocabulary/concept/C0000000000000001", "/vocabulary/targets/C0000000000000001"):
        assert client.get(path).status_code == 404


def test_a_read_only_page_offers_no_act(base: KnowledgeBase) -> None:
    client = client_of(base, read_only=True)
    answer = client.get(f"/vocabulary/concept/{TUBE}").text
    assert "Accept" not in answer and "chest tube" in answer.lower()
    assert client.post(f"/vocabulary/concept/{TUBE}/accept").status_code == 403


def test_what_another_renamed_meanwhile_is_told_and_not_overturned(client: TestClient, base: KnowledgeBase) -> None:
    sheet = client.get(f"/vocabulary/concept/{TUBE}").text
    shown = html.unescape(re.findall(r'name="shown" value="([^"]+)"', sheet)[0])
    base.curate.rename(TUBE, "thoracostomy tube", by="bea")
    answer = client.post(f"/vocabulary/concept/{TUBE}/accept", data={"shown": shown})
    assert answer.status_code == 400 and "bea" in answer.text
    assert status(base, TUBE) == "candidate"
    assert client.post(f"/vocabulary/concept/{TUBE}/accept", data={"shown": "[]"}).status_code == 400


def test_a_severity_that_says_the_same_is_offered_and_what_was_told_apart_is_not(tmp_path: Path) -> None:
    mild, minimal, severe = (concept_id(f"{word} cardiomegaly") for word in ("mild", "minimal", "severe"))
    base = KnowledgeBase.create(tmp_path / "hearts.kb", by="tester")
    add_concepts(base, ["mild cardiomegaly", "minimal cardiomegaly", "severe cardiomegaly"])
    offered = client_of(base).get(f"/vocabulary/targets/{mild}").text
    assert minimal in offered and severe not in offered
    base.curate.keep_apart(mild, minimal)
    assert minimal not in client_of(base).get(f"/vocabulary/targets/{mild}").text

"""The Review page as HTML: queues in groups, decisions as one change each, rules, and what others did."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest
from httpx import Response
from starlette.testclient import TestClient

from kb.curation.review.queue import QUEUES
from kb.knowledge_base import KnowledgeBase
from tests.support.mined import concept_id, doubled_in, mined_in
from tests.support.workbench_client import client_of

WIDE, WIDENED, BROADENED = map(concept_id, ("wide fracture", "widened fracture", "broadened fracture"))


@pytest.fixture(scope="module")
def doubled(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return doubled_in(tmp_path_factory.mktemp("review"))


@pytest.fixture
def base(doubled: KnowledgeBase, tmp_path: Path) -> KnowledgeBase:
    return KnowledgeBase.open(copytree(doubled.uri, tmp_path / "doubled.kb"))


@pytest.fixture
def client(base: KnowledgeBase) -> TestClient:
    return client_of(base)


def group_of(client: TestClient, queue: str = "duplicates", at: int = 0, **asked: str) -> str:
    """The first open group from a place on, when the queue was looked through."""
    for _ in range(1_200):
        answer = client.get(f"/review/{queue}/group", params={"at": str(at), **asked})
        if "data-waiting" not in answer.text:
            assert answer.status_code == 200, answer.text
            return answer.text
        time.sleep(0.05)
    raise AssertionError("the queue was not looked through in a minute")


def shown(group: str) -> dict[str, str]:
    """What the page sends of a group beside the decision."""
    found = re.search(r'data-group="(\w+)"', group), re.search(r"data-shown='([^']*)'", group)
    assert found[0] and found[1]
    return {"group": found[0][1], "shown": html.unescape(found[1][1])}


def previewed(preview: Response) -> str:
    """The mark of what was previewed, which the page sends when it is to be done."""
    found = re.search(r'data-seen="(\w+)"', preview.text)
    assert found
    return found[1]


def members(group: str) -> list[str]:
    return [html.unescape(one) for one in re.findall(r'name="member" value="([^"]*)"', group)]


@pytest.fixture
def decide(client: TestClient) -> Callable[..., Response]:
    """Decides on the first open group from a place on, as the page would."""

    def make(decision: str, at: int = 0, queue: str = "duplicates", **said: object) -> Response:
        group = group_of(client, queue, at)
        place = re.search(r'data-at="(\d+)"', group)
        assert place, group
        data = {"decision": decision, "member": members(group), **shown(group), **said}
        return client.post(f"/review/{queue}/decide", params={"at": place[1]}, data=data)

    return make


def now(base: KnowledgeBase) -> KnowledgeBase:
    return KnowledgeBase.open(base.uri)


def test_the_queues_are_listed(client: TestClient) -> None:
    answer = client.get("/review/", headers={"hx-request": ""}).text
    assert all(f'href="/review/{queue}"' in answer for queue in QUEUES if queue != "new")


def test_a_group_shows_what_stays_and_its_equals_ticked_with_the_sentences_of_both(client: TestClient) -> None:
    group = group_of(client)
    assert "There is a <mark>wide fracture</mark>" in group and "<mark>widened fracture</mark>" in group
    assert set(members(group)) == {WIDENED, BROADENED}
    assert group.count(" checked") == 2


def test_taking_a_group_is_one_change_with_one_undo(
    client: TestClient, base: KnowledgeBase, decide: Callable[..., Response]
) -> None:
    before = len(base.changes())
    answer = decide("take")
    assert "now count under 'wide fracture'" in html.unescape(answer.text)
    (change,) = now(base).changes()[before:]
    assert (change.author, answer.headers["x-change"], answer.headers["x-left"]) == ("ada", change.change_id, "2")
    assert now(base).vocabulary.resolve(BROADENED).concept_id == WIDE
    client.post(f"/undo/{change.change_id}")
    assert set(members(group_of(client))) == {WIDENED, BROADENED}


def test_what_is_not_ticked_is_left_to_be_decided_on(client: TestClient, decide: Callable[..., Response]) -> None:
    answer = decide("take", member=[WIDENED])
    assert answer.headers["x-stays"] == "yes"
    assert members(group_of(client)) == [BROADENED]


def test_what_is_not_the_same_is_remembered_for_good(
    client: TestClient, base: KnowledgeBase, decide: Callable[..., Response]
) -> None:
    decide("apart")
    assert set(now(base).vocabulary.get(WIDE).distinct_from) == {WIDENED, BROADENED}
    assert "wide fracture" not in group_of(client)
    assert "wide fracture" not in group_of(client_of(now(base)))  # another server, which looks through it anew


def test_another_target_is_taken_by_its_id(base: KnowledgeBase, decide: Callable[..., Response]) -> None:
    decide("take", into=concept_id("flat nodule"), member=[WIDENED])
    assert now(base).vocabulary.resolve(WIDENED).text == "flat nodule"


def test_one_of_a_group_is_no_observation(base: KnowledgeBase, decide: Callable[..., Response]) -> None:
    decide("reject", of=BROADENED)
    statuses = {of: now(base).vocabulary.get(of).status for of in (WIDE, WIDENED, BROADENED)}
    assert statuses == {WIDE: "accepted", WIDENED: "accepted", BROADENED: "rejected"}


def test_a_rename_stays_at_the_group(client: TestClient, decide: Callable[..., Response]) -> None:
    answer = decide("rename", of=WIDE, text="gaping fracture")
    assert answer.headers["x-stays"] == "yes"
    assert "gaping fracture" in group_of(client)


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ("dance", {}),
        ("take", {"member": []}),
        ("take", {"member": ["C0000000000000001"]}),
        ("take", {"into": concept_id("no pneumothorax"), "member": [WIDENED]}),
        ("take", {"group": "G000000000000"}),
        ("take", {"shown": "[]"}),
        ("take", {"shown": "{"}),
        ("take", {"shown": "{}"}),
        ("reject", {}),
        ("rename", {"of": WIDE}),
    ],
)
def test_what_makes_no_sense_is_said_and_changes_nothing(
    base: KnowledgeBase, decide: Callable[..., Response], decision: str, said: dict[str, object]
) -> None:
    before = now(base).commit.commit_id
    answer = decide(decision, **said)
    assert answer.status_code in (400, 404) and 'class="wrong"' in answer.text
    assert now(base).commit.commit_id == before


def test_what_another_decided_meanwhile_is_told_and_not_overturned(client: TestClient, base: KnowledgeBase) -> None:
    group = group_of(client)
    base.curate.reject(WIDENED, by="bea")
    data = {"decision": "take", "member": members(group), **shown(group)}
    answer = client.post("/review/duplicates/decide", params={"at": "0"}, data=data)
    assert answer.status_code == 400 and "bea" in answer.text
    assert now(base).vocabulary.get(BROADENED).status == "accepted"
    assert members(group_of(client)) == [BROADENED]  # the group as it stands by now


def test_a_rule_is_previewed_in_words_and_decided_as_one_change(client: TestClient, base: KnowledgeBase) -> None:
    group_of(client)
    before = now(base)
    assert "the same words" in client.get("/review/duplicates/rules").text
    preview = client.get("/review/duplicates/preview", params={"reason": "the same words"})
    assert "now count under" in html.unescape(preview.text) and now(base).commit == before.commit
    answer = client.post("/review/duplicates/bulk", data={"reason": "the same words", "seen": previewed(preview)})
    assert answer.headers["x-left"] == "0"
    (change,) = now(base).changes()[len(before.changes()) :]
    assert change.reason == "by rule: the same words"
    client.post(f"/undo/{change.change_id}")
    assert now(base).vocabulary.get(BROADENED).status == "accepted"
    assert client.post("/review/duplicates/bulk", data={"reason": "no such rule"}).status_code == 400


@pytest.mark.parametrize(
    "act", [lambda base: base.curate.reject(WIDENED), lambda base: base.curate.rename(WIDE, "gap")]
)
def test_a_rule_is_not_carried_out_where_it_would_do_what_was_not_previewed(
    client: TestClient, base: KnowledgeBase, act: Callable[[KnowledgeBase], object]
) -> None:
    group_of(client)
    asked = {"reason": "the same words"}
    seen = previewed(client.get("/review/duplicates/preview", params=asked))
    act(base)
    before = now(base).commit
    answer = client.post("/review/duplicates/bulk", data={**asked, "seen": seen})
    assert answer.status_code == 400 and "not what was previewed" in answer.text
    assert now(base).commit == before
    anew = previewed(client.get("/review/duplicates/preview", params=asked))
    assert client.post("/review/duplicates/bulk", data={**asked, "seen": anew}).status_code == 200


def test_what_is_counted_passes_the_filters_and_is_still_open(client: TestClient, base: KnowledgeBase) -> None:
    assert 'data-left="3" data-total="3"' in group_of(client)
    assert 'data-left="1" data-total="1"' in group_of(client, finding="mass")
    assert "3 in 2 groups" not in client.get("/review/duplicates/rules", params={"finding": "mass"}).text
    assert "1 in 1 group" in client.get("/review/duplicates/rules", params={"finding": "mass"}).text
    base.curate.reject(concept_id("uneven mass"), concept_id("irregular mass"), by="bea")
    assert "Nothing is ticked" in client.get("/review/duplicates/rules", params={"finding": "mass"}).text


def test_groups_are_filtered_by_what_their_concepts_say(client: TestClient) -> None:
    assert set(members(group_of(client, finding="mass"))) < {concept_id("irregular mass"), concept_id("uneven mass")}
    assert "Nothing more is to be decided here" in group_of(client, laterality="left")
    assert client.get("/review/duplicates/group", params={"laterality": "up"}).status_code == 400


def test_a_concept_that_stands_alone_is_left_or_merged_into_one_that_is_offered(tmp_path: Path) -> None:
    base = mined_in(tmp_path)
    client = client_of(base)
    group = group_of(client, "unreviewed")
    (own,) = members(group)
    assert own == concept_id("no pneumothorax")  # the most mentioned
    data = {"decision": "apart", "member": own, **shown(group)}
    answer = client.post("/review/unreviewed/decide", params={"at": "0"}, data=data)
    assert "left as it is" in answer.text
    assert members(group_of(client, "unreviewed")) != [own]
    effusion = group_of(client, "unreviewed", finding="rib fracture")
    assert 'name="into"' in effusion and "rib fracture" in effusion


@pytest.mark.parametrize("queue", [queue for queue in QUEUES if queue not in ("new", "outliers")])
def test_every_queue_can_be_gone_through(client: TestClient, queue: str) -> None:
    at = 0
    for _ in range(20):
        group = group_of(client, queue, at)
        if "data-end" in group:
            return
        place = re.search(r'data-at="(\d+)"', group)
        assert place and int(place[1]) >= at
        at = int(place[1]) + 1
    raise AssertionError("a queue without an end")


@pytest.mark.soak
def test_a_queue_that_cannot_be_looked_through_says_why(client: TestClient) -> None:
    assert "not embedded" in group_of(client, "outliers") or "embed" in group_of(client, "outliers")


def test_what_is_new_counts_from_a_tag(client: TestClient, base: KnowledgeBase) -> None:
    assert client.get("/review/new/group").status_code == 400
    base.tag("before", by="tester")
    assert "data-end" in group_of(client, "new", since="before")
    assert client.get("/review/nowhere/group").status_code == 400


def test_who_decided_what_is_told(client: TestClient, base: KnowledgeBase) -> None:
    base.curate.reject(WIDENED, by="bea", why="no such thing")
    told = client.get("/review/progress").text
    assert "bea" in told and "no such thing" in told and "widened fracture" in told


def test_a_read_only_page_offers_no_decision(base: KnowledgeBase) -> None:
    client = client_of(base, read_only=True)
    group = group_of(client)
    assert "data-decide" not in group and "wide fracture" in group
    assert client.post("/review/duplicates/decide", params={"at": "0"}).status_code == 403

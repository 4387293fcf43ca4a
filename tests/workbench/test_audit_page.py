"""The audit page: every figure has its rows and its command, which give the same; audits are made, kept and stopped."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from encoder.audit.runs_compared import SHOWN
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.privacy.exports import read_exports
from tests.support.audit_page import addresses_in, commands_in, ended, failed, made, typed, typed_json
from tests.support.audited import LABEL, RUNS
from tests.support.tables import ward_in
from tests.support.workbench_client import client_of
from workbench.audit.asked import Asked, read_asked

BOTH = urlencode([*(("run", run) for run in RUNS), ("label", LABEL)])
ONE = urlencode({"of": "leaning", "label": LABEL})


def near(found: object) -> object:
    """Numbers that may differ in their last digits, as sums in another order do."""
    if isinstance(found, float):
        return pytest.approx(found, rel=1e-9, abs=1e-12)
    if isinstance(found, dict):
        return {name: near(value) for name, value in found.items()}
    return [near(value) for value in found] if isinstance(found, list) else found


@pytest.mark.soak
def test_every_figure_of_runs_side_by_side_has_the_rows_that_its_command_prints(audited: KnowledgeBase) -> None:
    client = client_of(audited, read_only=True)
    page = client.get(f"/audit/compared?{BOTH}").text
    told = dict(zip(addresses_in(page, "json"), commands_in(page), strict=True))
    assert {dict(parse_qsl(address.partition("?")[2]))["figure"] for address in told} == set(SHOWN)
    for address, command in {re.sub(".*figure=", "", address): (address, told[address]) for address in told}.values():
        assert client.get(address).json() == near(typed_json(command)), command
        assert client.get(address.replace("kind=json", "kind=csv")).text.startswith("run,")
        assert read_exports(audited)[0].target.startswith("browser: ")


@pytest.mark.soak
def test_runs_side_by_side_are_drawn_and_told(audited: KnowledgeBase) -> None:
    page = client_of(audited).get(f"/audit/compared?{BOTH}").text
    for told in ("ROC curves", "precision-recall curves", "Reliability of", "shares at the threshold", "has it not"):
        assert told in page, told
    assert page.count('role="img"') == 2 + 2 * 2  # two curves of both, and two charts of each


def test_a_run_that_cannot_be_scored_says_why(audited: KnowledgeBase) -> None:
    query = urlencode({"run": "sound", "label": LABEL, "where": "age > 78"})
    page = client_of(audited).get(f"/audit/compared?{query}").text
    assert "No run could be scored" in page and "under the minimum" in page
    wrong = client_of(audited).get("/audit/compared?where=nonsense+here")
    assert wrong.status_code == 400 and 'class="wrong"' in wrong.text


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["segments", "confounders", "slices", "drift"])
def test_an_audit_is_what_its_command_prints(audited: KnowledgeBase, kind: str) -> None:
    client = client_of(audited, read_only=True)
    page = made(client, kind, ONE)
    command, address = commands_in(page)[0], addresses_in(page, "json")[0]
    assert client.get(address).json() == near(typed_json(command))


@pytest.mark.soak
def test_charts_are_drawn_from_the_rows_of_their_audit(audited: KnowledgeBase) -> None:
    client = client_of(audited)
    page = made(client, "segments", ONE)
    whole, *charts = addresses_in(page, "json")
    groups = {(one["attribute"], one["value"]): one for one in client.get(whole).json()["groups"]}
    assert len(charts) == 3
    for address, figure in zip(charts, ("sensitivity", "specificity", "auroc"), strict=True):
        points = client.get(address).json()
        assert points
        for point in points:
            group = groups[point["attribute"], point["value"]]
            assert (point[figure], point["low"]) == (group[figure], group[f"{figure}_low"])
    assert "device portable" in page, "the planted segment is named"
    csv = client.get(whole.replace("kind=json", "kind=csv")).text
    printed = typed(commands_in(page)[0], "--format", "csv")
    assert csv.splitlines()[0] == printed.splitlines()[0]
    assert len(csv.splitlines()) == len(printed.splitlines())


@pytest.mark.soak
def test_confounders_are_shown_with_their_proof(audited: KnowledgeBase) -> None:
    page = made(client_of(audited), "confounders", ONE)
    assert "Confounder: device: " in page
    for told in ("AUROC against it", "False alarms:", "once it is erased", "with and without device: "):
        assert told in page, told


@pytest.mark.soak
def test_galleries_lead_to_the_images(audited: KnowledgeBase) -> None:
    client = client_of(audited)
    for kind in ("slices", "segments"):
        page = made(client, kind, ONE)
        shown = re.findall(r'<a href="(/images/one[^"]+)"><img src="([^"]+)" alt="Chest X-ray ([^"]+)"', page)
        assert shown, kind
        for address, source, image in shown[:2]:
            assert f"image={image}" in address
            assert client.get(address.replace("&amp;", "&")).status_code == 200
            assert client.get(source).headers["content-type"] == "image/jpeg"


@pytest.mark.soak
def test_a_report_is_the_page_that_its_command_writes(
    audited: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(audited, read_only=True)
    page = made(client, "report", ONE)
    (address,) = {found for found in re.findall(r'href="([^"]+)"', page) if "/report/file" in found}
    report = client.get(address.replace("&amp;", "&")).text
    monkeypatch.chdir(tmp_path)
    typed(commands_in(page)[0])
    timeless = [re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "", one) for one in (report, Path("report.html").read_text())]
    assert timeless[0] == timeless[1]


@pytest.mark.soak
def test_what_was_made_is_kept_and_told_to_be_of_an_older_state(audited: KnowledgeBase, tmp_path: Path) -> None:
    shutil.copytree(audited.uri, tmp_path / "moved.kb")
    base = KnowledgeBase.open(tmp_path / "moved.kb")
    made(client_of(base), "segments", ONE)
    again = client_of(base).get(f"/audit/segments?{ONE}").text
    assert "Made " in again and "older state" not in again, "another server finds it"
    base.curate.add("pneumothorax", by="ada")
    older = client_of(base).get(f"/audit/segments?{ONE}").text
    assert "of an older state" in older and "1 commit came" in older and "Make it anew" in older
    assert commands_in(older)[0].count(base.commits.head().commit_id) == 0, "the command is of the state that is shown"


def test_an_audit_can_be_stopped_and_nothing_is_left(audited: KnowledgeBase) -> None:
    client = client_of(audited)
    query = urlencode({"of": "sound", "label": LABEL, "where": "sex = 'F'"})
    assert "Make it " in client.get(f"/audit/drift?{query}").text
    assert 'class="progress"' in client.post(f"/audit/drift/begin?{query}").text
    assert "Stopped after" in client.post(f"/audit/drift/stop?{query}").text
    assert "Made " not in ended(client, "drift", query)
    assert "Made " in made(client, "drift", query), "it can be begun again"


@pytest.mark.soak
@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"of": "sound", "label": "hernia"}, "predicts no &#39;hernia&#39;"),
        ({"of": "sound", "label": LABEL, "where": "no_such = 1"}, "no_such"),
    ],
)
def test_an_audit_that_cannot_be_made_says_why(audited: KnowledgeBase, query: dict[str, str], told: str) -> None:
    assert told in failed(client_of(audited), "confounders", urlencode(query))


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("run=nobody", "there is no run"),
        ("of=nobody", "there is no run"),
        ("split=mine", "split"),
        ("by=hour", "by"),
        ("&".join(f"run={number}" for number in range(5)), "side by side"),
    ],
)
def test_what_cannot_be_asked_is_said(audited: KnowledgeBase, query: str, told: str) -> None:
    answer = client_of(audited).get(f"/audit/?{query}")
    assert answer.status_code == 400 and told in answer.text


def test_without_predictions_the_page_says_what_is_missing(kb: KnowledgeBase) -> None:
    for path in ("/audit/", "/audit/segments", "/audit/report"):
        assert "no predictions here yet" in client_of(kb).get(path).text
    assert client_of(kb).get("/audit/nothing").status_code == 404
    for path in ("/audit/compared", "/audit/compared/data?figure=roc"):
        answer = client_of(kb).get(path)
        assert answer.status_code == 400 and "no predictions here yet" in answer.text


def test_addresses_of_others_lead_nowhere(audited: KnowledgeBase) -> None:
    client = client_of(audited)
    for query in ("key=../../x&commit=y", "key=abc&commit=..", "key=&commit="):
        assert client.get(f"/audit/data?{query}").status_code == 404
        assert client.get(f"/audit/report/file?{query}").status_code == 404


@pytest.mark.soak
def test_several_sources_have_to_be_told_apart(tmp_path: Path, own_folders: None) -> None:
    client = client_of(ward_in(tmp_path))
    answer = client.get("/audit/compared?run=good&label=pleural+effusion")
    assert answer.status_code == 400 and "reader" in answer.text
    assert client.get("/audit/compared?run=good&label=pleural+effusion&source=reader").status_code == 200


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).map(str.strip)


@given(
    runs=st.lists(words.filter(bool), min_size=1, max_size=4, unique=True),
    label=words.filter(bool),
    where=st.none() | words.filter(bool),
    split=st.sampled_from([None, "test", "all"]),
    by=st.sampled_from(["month", "year"]),
)
def test_an_address_asks_what_was_asked(
    runs: list[str], label: str, where: str | None, split: str | None, by: str
) -> None:
    asked = Asked(runs=tuple(runs), of=runs[-1], label=label, where=where, split=split, by=by, encoder=where)
    assert read_asked(QueryParams(asked.query()), {run: [label] for run in runs}) == asked


def test_the_label_that_all_runs_predict_is_chosen() -> None:
    labels = {"a": ["edema", "nodule"], "b": ["nodule"], "c": []}
    assert read_asked(QueryParams("run=a&run=b"), labels).label == "nodule"
    assert read_asked(QueryParams("run=a"), labels).label == "edema"
    assert read_asked(QueryParams("run=c"), labels).label == ""
    with pytest.raises(UsageError, match="there is no run"):
        read_asked(QueryParams("run=d"), labels)


@pytest.mark.soak
def test_a_report_is_made_and_opened(audited: KnowledgeBase) -> None:
    client = client_of(audited, read_only=True)
    query = urlencode({"of": "sound", "run": "leaning", "label": LABEL})
    page = made(client, "report", query)
    (address,) = {found for found in re.findall(r'href="([^"]+)"', page) if "/report/file" in found}
    report = client.get(address.replace("&amp;", "&")).text
    assert "Audit of sound" in report and "Runs side by side" in report
    assert "--run sound --run leaning" in commands_in(page)[0]


def test_what_is_kept_is_for_its_owner_alone(audited: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    from platformdirs import user_cache_path

    made(client_of(audited), "drift", ONE)
    folders = list((user_cache_path("clear-kb") / "audits").iterdir())
    assert folders and all(folder.stat().st_mode & 0o077 == 0 for folder in folders)
    assert any(json.loads(path.read_text())["kind"] == "drift" for path in folders[0].parent.glob("*/*.json"))

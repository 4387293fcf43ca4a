"""`observations compare`: what two minings of the same reports both find, and what each finds alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kb.errors import ClearKbError, UsageError
from kb.vocabulary.agreement import Counts, compare_observations, read_observations


def said(report: str, start: int, end: int, assertion: str = "present", finding: str = "opacity", **more: Any) -> Any:
    spans = [[start, end]]
    told = {"section": "findings", "text": f"{start}", "laterality": "none", "severity": "none"}
    return {"report_id": report, "spans": spans, "assertion": assertion, "finding": finding, **told, **more}


def test_the_best_pairs_meet_first_and_each_once() -> None:
    a = [said("r", 0, 10), said("r", 20, 30), said("r", 40, 50, "absent")]
    b = [said("r", 0, 8), said("r", 1, 10), said("r", 20, 30, "uncertain"), said("r", 90, 99)]
    found = compare_observations(a, b)
    assert found.all == Counts(2, 1, 2)
    assert found.all.f1 == pytest.approx(4 / 7)
    assert found.same_assertion == 1 and found.confusion == {("present", "present"): 1, ("present", "uncertain"): 1}
    assert found.by_assertion["present"] == Counts(1, 1, 2)
    assert found.by_assertion["uncertain"] == Counts(0, 0, 1)
    assert [one["spans"] for one in found.alone_b] == [[[0, 8]], [[90, 99]]]
    assert compare_observations(a, b, overlap=0.95).all == Counts(1, 2, 3)


def test_it_is_the_same_from_either_side() -> None:
    a = [said("r", 0, 10), said("s", 5, 9, "absent"), said("only a", 0, 5)]
    b = [said("r", 2, 10, finding="nodule"), said("s", 5, 9, "absent"), said("only b", 0, 5)]
    one, other = compare_observations(a, b), compare_observations(b, a)
    assert (one.reports, one.reports_only_a, one.reports_only_b) == (2, 1, 1)
    assert (one.all.both, one.all.only_a) == (other.all.both, other.all.only_b)
    assert one.by_finding["nodule"] == Counts(0, 0, 1) and other.by_finding["nodule"] == Counts(0, 1, 0)


def test_without_a_report_in_common_it_says_so() -> None:
    with pytest.raises(UsageError, match="no report in common"):
        compare_observations([said("r", 0, 1)], [said("s", 0, 1)])


def test_a_gold_file_names_no_findings_and_holds_empty_reports(tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    one = {"section": "findings", "quote": ["clear"], "assertion": "present", "spans": [[0, 5]]}
    rows = [{"uid": "r", "observations": [one]}, {"uid": "s", "observations": []}]
    gold.write_text("\n".join(map(json.dumps, rows)))
    found = compare_observations(read_observations(None, gold), [said("r", 0, 5), said("s", 3, 9)])
    assert (found.reports, found.all) == (2, Counts(1, 0, 1))
    assert found.by_finding == {} and found.facets["laterality"] is None
    gold.write_text('{"uid": "r", "observations": [{"section": "findings"}]}')
    with pytest.raises(ClearKbError, match=r"gold.jsonl, line 1 is no observation"):
        list(read_observations(None, gold))


@pytest.mark.soak
def test_two_commits_on_the_command_line(cli: Callable, cli_json: Callable, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text('id,findings\nR1,"Small left pleural effusion. No pneumothorax."\n')
    cli("ingest", "reports", "one.csv", "--kb", "x.kb", "--no-embed", "-q")
    cli("tag", "v1", "--kb", "x.kb")
    (tmp_path / "one.csv").write_text('id,findings\nR1,"Small left pleural effusion. Possible pneumothorax."\n')
    cli("ingest", "reports", "one.csv", "--kb", "x.kb", "--no-embed", "-q")
    told = cli_json("observations", "compare", "v1", "x.kb", "--kb", "x.kb")
    assert told["all"]["both"] == 1 and told["by_assertion"]["absent"] == {
        "both": 0,
        "only_a": 1,
        "only_b": 0,
        "f1": 0.0,
    }
    shown = cli("observations", "compare", "v1", "x.kb", "--kb", "x.kb").stdout
    assert "only by A, the first of 1" in shown and "pneumothorax" in shown
    assert "no file" in cli("observations", "compare", "gone.jsonl", "x.kb", code=2).stderr
    assert "no commit, tag or branch" in cli("observations", "compare", "v9", "x.kb", "--kb", "x.kb", code=2).stderr

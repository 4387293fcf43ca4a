"""Verdicts: what is called what, in which order, and what is told of harm and of what belongs to a disease."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from encoder.audit.confounders.across import across
from encoder.audit.confounders.disease import disease_of
from encoder.audit.confounders.find import find_confounders
from encoder.audit.confounders.harm import harm_of
from encoder.audit.confounders.known_correlates import bundled_correlates, read_correlates
from encoder.audit.confounders.result import VERDICTS, Across, Confounder, ConfounderAudit, Harm, Known
from encoder.audit.confounders.sentences import conclusion, tell
from encoder.audit.confounders.verdicts import place, verdict_of
from kb.display import Listing
from kb.errors import UsageError
from tests.support.planted import world

WORLD = world()
DISEASE = {"disease"}
SITES = ("harbor", "hill", "valley")
NO_HARM = Harm(drawn=1, against=None, false_alarms=None, misses=None, size=0.0, bad=False)
HARM = replace(NO_HARM, size=0.6, bad=True)


def said_of(told: str) -> tuple[Across, ...]:
    return (Across(by="site", groups=(), pooled=1.0, p=0.5, i2=0.0, hidden=0.5, told=told),)  # type: ignore[arg-type]


def as_audit(rows: list[Confounder], **counts: int) -> ConfounderAudit:
    return ConfounderAudit(
        run="run",
        label="disease",
        source="labels",
        split="all",
        n=10,
        positives=5,
        patients=10,
        auroc=0.9,
        disease=("disease",),
        tested={"report": 3},
        found=Listing(rows, ["name"]),
        verdicts=counts,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("q_both", "q_leans", "harm", "told", "known", "verdict"),
    [
        (0.01, 0.01, NO_HARM, "", "", "confounder"),
        (0.01, 0.01, HARM, "differs", "", "confounder"),
        (0.01, 0.01, HARM, "alike", "", "correlate"),
        (0.01, 0.01, NO_HARM, "", "treatment", "correlate"),
        (0.01, 0.01, NO_HARM, "differs", "treatment", "confounder"),
        (0.2, 0.01, HARM, "alike", "sign", "harmful lean"),
        (0.2, 0.01, NO_HARM, "alike", "", "leaned on"),
        (0.2, 0.2, HARM, "alike", "sign", ""),
        (float("nan"), float("nan"), HARM, "", "", ""),
    ],
)
def test_a_verdict_is_of_what_was_shown(
    q_both: float, q_leans: float, harm: Harm, told: str, known: Known, verdict: str
) -> None:
    assert verdict_of(q_both, q_leans, harm=harm, across=said_of(told), known=known) == verdict


def test_one_attribute_that_differs_counts_before_one_that_is_alike() -> None:
    both = (*said_of("alike"), *said_of("differs"))
    assert verdict_of(0.01, 0.01, harm=NO_HARM, across=both, known="") == "confounder"


def test_rows_stand_by_verdict_then_by_harm_and_without_one_by_weight() -> None:
    given = [("", 0.9, 0.1), ("leaned on", 0.1, 0.5), ("leaned on", 0.4, 0.2), ("correlate", 0.0, 0.0), ("", 0.0, 0.7)]
    ordered = sorted(given, key=lambda one: place(one[0], harm=one[1], weight=one[2]))  # type: ignore[arg-type]
    assert ordered == [given[3], given[2], given[1], given[4], given[0]]


def test_what_was_shown_never_stands_under_what_was_not() -> None:
    for seed in range(6):
        evidence = WORLD.evidence(300 + seed, strength=(0.5, 0.9)[seed % 2], reports=seed % 3 == 0, images=700)
        rows = find_confounders(evidence, WORLD.concepts, DISEASE, limit=40).rows
        places = [VERDICTS.index(row.verdict) for row in rows]
        assert places == sorted(places)
        for above, below in pairwise(rows):
            if above.verdict == below.verdict != "":
                assert above.harm.size >= below.harm.size
            if min(below.q, below.leans.q) < 0.001:
                assert min(above.q, above.leans.q) < 0.05


class TestHarm:
    def test_a_shortcut_that_is_gone_at_test_is_a_harmful_lean_and_said_to_be(self) -> None:
        evidence = WORLD.evidence(3, strength=0.5, leaning=1.5, reports=True)
        found = find_confounders(evidence, WORLD.concepts, DISEASE)
        first = found.rows[0]
        assert (first.finding, first.verdict) == ("tube", "harmful lean")
        assert first.harm.bad and first.harm.against.value == pytest.approx(first.strata.auroc_against)
        (sentence, *_) = conclusion(as_audit(found.rows, **found.verdicts))
        assert sentence.startswith("harmful lean: tube (q <0.001, AUROC against it 0.")
        assert "no confounder" not in " ".join(conclusion(as_audit(found.rows)))
        told = tell(first, "disease")
        assert "That is harm: AUROC" in told and "points more false alarms with it" in told

    def test_it_is_counted_on_those_of_whom_the_thing_says_the_wrong(self) -> None:
        truth = np.repeat([True, True, False, False], 50)
        present = np.tile(np.repeat([True, False], 50), 2)
        logit = np.where(present, 2.0, -2.0) + np.where(truth, 0.5, -0.5)
        harm = harm_of(truth, logit, present, np.arange(200), 1)
        assert harm.against.value == 0.0 and harm.bad  # no positive without it stands above a negative with it
        assert harm.size == pytest.approx(max(0.75, harm.false_alarms.value, harm.misses.value))

    def test_a_thing_and_its_absence_do_the_same_harm(self) -> None:
        rows, there = WORLD.evidence(5, strength=0.5).rows, np.random.default_rng(0).random(1500) < 0.3
        one, other = (
            harm_of(rows.truth, rows.logit, there, rows.owners, 1),
            harm_of(rows.truth, rows.logit, ~there, rows.owners, -1),
        )
        assert replace(other, drawn=1) == one

    def test_few_patients_are_no_proof_of_it(self) -> None:
        truth, present = np.array([True, True, False, False] * 2), np.array([True, False, True, False] * 2)
        logit = np.where(present, 2.0, -2.0) + np.where(truth, 0.5, -0.5)
        harm = harm_of(truth, logit, present, np.arange(8), 1)
        assert harm.against.value == 0.0 and not harm.bad

    def test_where_nobody_is_to_be_wrong_there_is_none(self) -> None:
        truth = np.array([True, False] * 20)
        harm = harm_of(truth, np.arange(40.0), truth, np.arange(40), 1)
        assert (harm.against, harm.false_alarms, harm.misses, harm.bad) == (None, None, None, False)


class TestWhatBelongsToADisease:
    @pytest.mark.parametrize("reports", [True, False])
    def test_what_goes_with_the_label_at_every_site_alike_is_a_correlate(self, reports: bool) -> None:
        evidence = WORLD.evidence(11, strength=0.8, reports=reports, sites=SITES)
        first = find_confounders(evidence, WORLD.concepts, DISEASE).rows[0]
        assert (first.finding, first.verdict) == ("tube", "correlate")
        (site,) = first.across
        assert (site.by, site.told, [group.name for group in site.groups]) == ("site", "alike", list(SITES))
        assert site.p > 0.05 and site.hidden < site.pooled
        told = tell(first, "disease")
        assert "It goes with the label at every site alike (d +" in told and "may be biology or treatment" in told

    @pytest.mark.parametrize("reports", [True, False])
    def test_what_does_so_at_one_site_only_is_a_confounder(self, reports: bool) -> None:
        evidence = WORLD.evidence(12, strength=0.95, reports=reports, sites=SITES, only_at="harbor", leaning=1.2)
        first = find_confounders(evidence, WORLD.concepts, DISEASE).rows[0]
        assert (first.finding, first.verdict, first.across[0].told) == ("tube", "confounder", "differs")
        assert "It does not go with the label at every site alike" in tell(first, "disease")

    def test_with_one_site_it_cannot_be_told_and_that_is_said(self) -> None:
        first = find_confounders(WORLD.evidence(13, reports=True), WORLD.concepts, DISEASE).rows[0]
        assert (first.verdict, first.across) == ("confounder", ())
        assert "whether it belongs to the disease or to the place cannot be told" in tell(first, "disease")

    def test_with_few_patients_nothing_is_alike(self) -> None:
        evidence = WORLD.evidence(14, strength=0.6, images=150, reports=True, vectors=False, sites=SITES)
        rows = find_confounders(evidence, None, DISEASE, limit=40).rows
        tube = next(row for row in rows if row.name == "tube")
        assert tube.across and tube.across[0].told == "" and tube.across[0].hidden > tube.across[0].pooled

    def test_what_is_known_to_go_with_it_is_a_correlate_unless_the_sites_differ(self) -> None:
        known: dict[str, Known] = {"tube": "treatment"}
        one = find_confounders(WORLD.evidence(13, reports=True), WORLD.concepts, DISEASE, known=known).rows[0]
        assert (one.verdict, one.known) == ("correlate", "treatment")
        assert "It is a known treatment of disease" in tell(one, "disease")
        evidence = WORLD.evidence(12, strength=0.95, reports=True, sites=SITES, only_at="harbor", leaning=1.2)
        assert find_confounders(evidence, WORLD.concepts, DISEASE, known=known).rows[0].verdict == "confounder"

    def test_groups_that_are_alike_are_rarely_said_to_differ(self) -> None:
        draw = np.random.default_rng(0)
        differ = 0
        for _ in range(200):
            truth, site = draw.random(400) < 0.3, draw.integers(0, 3, 400)
            owners = np.arange(400) // 2
            there = draw.random(400) < np.where(truth, 0.6, 0.12)
            (one,) = across(there.astype(float), truth, owners, {"site": np.array(SITES, dtype=object)[site]})
            differ += one.told == "differs"
        assert differ <= 16

    def test_a_site_without_the_disease_says_nothing(self) -> None:
        draw = np.random.default_rng(0)
        truth = draw.random(400) < 0.4
        site = np.where(truth, "harbor", np.where(draw.random(400) < 0.5, "harbor", "hill")).astype(object)
        site[:20] = None
        assert across(draw.random(400), truth, np.arange(400), {"site": site}) == ()


class TestKnownCorrelates:
    def test_the_table_names_findings_and_what_is_no_disease_itself(self) -> None:
        table = bundled_correlates()
        for label in {label for label, _ in table.kinds}:
            own = {finding for of, finding in table.kinds if of == label}
            assert own and not own & disease_of(label), label

    def test_what_stands_under_a_finding_counts_too(self) -> None:
        known = bundled_correlates().of("Pleural_Effusion")
        assert known["chest tube"] == "treatment" and known["opacity"] == "sign"
        assert bundled_correlates().of("silicosis") == {}

    def test_a_table_of_ones_own_adds_to_it_and_takes_away(self, tmp_path: Path) -> None:
        own = tmp_path / "own.tsv"
        own.write_text(
            "# ours\nlabel\tkind\tfindings\nEffusion\tnone\topacity\nsilicosis\tcause\tAsbestosis|pacemaker\n"
        )
        table = read_correlates(own)
        assert (
            "opacity" not in table.of("pleural effusion") and table.of("pleural effusion")["chest tube"] == "treatment"
        )
        assert table.of("silicosis")["pacemaker"] == "cause"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("label\tkind\n", "a header of label, kind, findings"),
            ("", "a header of label, kind, findings"),
            ("label\tkind\tfindings\nedema\tfriend\topacity\n", "line 2: kind 'friend': one of sign"),
            (
                "label\tkind\tfindings\nedema\tsign\tchest tub\n",
                "line 2: there is no finding 'chest tub': did you mean",
            ),
            ("label\tkind\tfindings\nedema\tsign\n", "line 2: label, kind, findings were expected"),
        ],
    )
    def test_a_line_that_is_wrong_is_named(self, tmp_path: Path, text: str, message: str) -> None:
        own = tmp_path / "own.tsv"
        own.write_text(text)
        with pytest.raises(UsageError, match=message):
            read_correlates(own)

    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"there is no file .*none\.tsv"):
            read_correlates(tmp_path / "none.tsv")


def test_a_conclusion_names_every_verdict_and_counts_what_it_does_not_name() -> None:
    rows = find_confounders(WORLD.evidence(1, reports=True), WORLD.concepts, DISEASE, limit=8).rows
    given = ["confounder", "harmful lean", "correlate", *["leaned on"] * 4, ""]
    renamed = [
        replace(row, name=f"thing {number}", verdict=verdict)  # type: ignore[arg-type]
        for number, (row, verdict) in enumerate(zip(rows, given, strict=True))
    ]
    told = conclusion(as_audit(renamed, **{"leaned on": 9}))
    assert [sentence.split(":")[0] for sentence in told] == ["confounder", "harmful lean", "correlate", "leaned on"]
    assert "thing 0" in told[0] and "and 6 more" in told[3] and "thing 7" not in " ".join(told)
    assert conclusion(as_audit([renamed[-1]])) == [
        "nothing is called at q < 0.05: what stands first is only what is most worth a look"
    ]


def test_it_says_how_large_a_thing_has_to_be_to_be_called() -> None:
    small, large = (
        find_confounders(WORLD.evidence(1, images=n, reports=True), WORLD.concepts, DISEASE).notes for n in (400, 1500)
    )

    def reach(notes: tuple[str, ...], by: str) -> float:
        (note,) = (
            note for note in notes if note.startswith(f"by {by} a thing is called a confounder 8 times in 10 if")
        )
        return float(note.split(" d ")[1])

    assert reach(large, "reports") < reach(small, "reports") < 3
    by_images = find_confounders(WORLD.evidence(1), WORLD.concepts, DISEASE).notes
    assert 0 < reach(by_images, "images") < 3

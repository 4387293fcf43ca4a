"""The page of an audit: sound HTML that anybody can read; nothing in it was not escaped, or asks for a network."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from encoder.audit.confounders.result import Confounder
from encoder.audit.page.charts.bars import bars_chart
from encoder.audit.page.charts.drawing import tick_text
from encoder.audit.page.charts.intervals import Dot, intervals_chart
from encoder.audit.page.charts.palette import NAMES, by_value
from encoder.audit.page.flags import in_words
from encoder.audit.page.numbers import chance, share, signed, with_interval
from encoder.audit.page.page import GENERATOR, POLICY, render, style
from encoder.audit.page.words import clean, shortened
from encoder.audit.report.printing import check_printer
from encoder.audit.report.report_data import ReportData
from encoder.audit.report.writing import check_target, write_report
from encoder.audit.segments.result import Figures
from kb.display import Listing
from kb.errors import ClearKbError, UsageError
from kb.statistics.interval import Interval
from tests.support.chromium import Chromium, find_chromium
from tests.support.made_report import made_report, no_evaluation

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(2)> \"'& \x00\ud800 ‮ http://evil.example/"
BARE = ReportData(title="Audit", run="r", method="imported", source="nobody's labels", evaluation=no_evaluation())
NAMED = {
    "summary",
    "metrics",
    "operating",
    "calibration",
    "segments",
    "timeline",
    "confounders",
    "slices",
    "errors",
    "examples",
    "provenance",
}


VOID = {"meta", "img", "br"}
"""Elements that hold nothing and are not closed."""


class Page(HTMLParser):
    """What a page is made of: every element with its attributes, ids, headings, and what was left open."""

    def __init__(self, page: str):
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.wrong: list[str] = []
        self.children: dict[int, list[str]] = {}
        self.words = ""
        self._numbers: list[int] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, name: str, attrs: list[tuple[str, str | None]]) -> None:
        if len({key for key, _ in attrs}) < len(attrs):
            self.wrong.append(f"an attribute twice in {name}")
        if self._numbers:
            self.children[self._numbers[-1]].append(name)
        self.elements.append((name, {key: value or "" for key, value in attrs}))
        if name not in VOID:
            self.open.append(name)
            self._numbers.append(len(self.elements) - 1)
            self.children[len(self.elements) - 1] = []

    def handle_startendtag(self, name: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(name, attrs)
        self.handle_endtag(name)

    def handle_endtag(self, name: str) -> None:
        if not self.open or self.open[-1] != name:
            self.wrong.append(f"{name} is closed where {self.open[-1:]} is open")
            return
        self.open.pop()
        self._numbers.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words += data

    def all(self, name: str) -> list[dict[str, str]]:
        return [attrs for found, attrs in self.elements if found == name]


PAGES = {"full": made_report(), "hostile": made_report(f"label {HOSTILE}", HOSTILE), "bare": BARE}


@cache
def rendered(name: str) -> str:
    """One of the pages, made once."""
    return render(PAGES[name])


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> Page:
    return Page(rendered(request.param))


@pytest.mark.soak
def test_tags_are_balanced_and_ids_unique(page: Page) -> None:
    assert not page.wrong and not page.open
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    pointed = [ref for _, attrs in page.elements for ref in attrs.get("aria-labelledby", "").split()]
    pointed += [attrs["href"].removeprefix("#") for attrs in page.all("a")]
    assert set(pointed) <= set(ids)
    assert set(ids) >= NAMED


def test_images_figures_and_tables_say_what_they_are(page: Page) -> None:
    assert all(attrs.get("alt") for attrs in page.all("img"))
    for number, (name, attrs) in enumerate(page.elements):
        if name == "svg":
            assert attrs["role"] == "img" and page.children[number][:2] == ["title", "desc"]
        if name == "table":
            assert page.children[number][0] == "caption"
        if name == "th":
            assert attrs["scope"] in ("col", "row")
    scrolled = [attrs for attrs in page.all("div") if attrs.get("class") == "scroll"]
    assert len(scrolled) == len(page.all("table"))
    scrolled += [attrs for attrs in page.all("div") if "charts" in attrs.get("class", "").split()]
    assert all(attrs["tabindex"] == "0" and attrs["aria-label"] for attrs in scrolled)


def test_headings_go_down_one_step_at_a_time(page: Page) -> None:
    levels = [int(name[1]) for name, _ in page.elements if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.all("html")[0]["lang"] == "en"


def test_nothing_is_fetched_and_nothing_runs(page: Page) -> None:
    policy = next(attrs for attrs in page.all("meta") if attrs.get("http-equiv"))
    assert policy["content"] == POLICY == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert {name for name, _ in page.elements} & {"script", "link", "iframe", "object", "form", "base"} == set()
    drawn = {"svg", "g", "path", "text", "tspan", "use", "defs", "clippath", "rect", "title", "desc", "image"}
    for name, attrs in page.elements:
        assert not [key for key in attrs if key.startswith("on")], (name, attrs)
        assert "style" not in attrs or name in drawn, (name, attrs)
        for key in ("src", "href", "xlink:href", "srcset", "action"):
            assert key not in attrs or attrs[key].startswith(("#", "data:image/png;base64,")), (name, attrs)
    assert not re.search(r"url\(|@import|https?:", style())


def test_hostile_texts_are_shown_as_they_are() -> None:
    hostile = rendered("hostile")
    assert "<script" not in hostile and "<img src=x" not in hostile and hostile.count("</style>") == 1
    hostile.encode("utf-8")
    shown = Page(hostile).words
    assert "<script>alert(1)</script>" in shown
    assert "\x00" not in hostile and "‮" not in hostile


def test_the_same_data_gives_the_same_page() -> None:
    assert render(made_report()) == rendered("full")


def test_what_could_not_be_made_says_why() -> None:
    shown = Page(rendered("bare")).words
    assert "hernia was not scored: 2 positives, under the minimum of 10" in shown
    for said in (
        "No label could be scored",
        "could be audited for confounders",
        "No slices",
        "No prediction",
        "No model card was given",
    ):
        assert said in shown
    noted = replace(BARE, notes={"examples": ("it came as a table",)})
    assert Page(render(noted)).words.count("it came as a table") == 2  # in its section, and in the summary


def test_the_summary_names_the_confounder_the_slice_and_the_numbers() -> None:
    page = rendered("full")
    summary = Page(page[page.index('id="summary"') : page.index('id="metrics"')]).words
    for said in (
        "pneumothorax: Confounder: chest tube (q <0.001): the model leans on it, and it goes with the label",
        "Leaned on: scar (q 0.0076): no link to the label",
        "0.800 (0.700–0.900)",
        "pneumothorax fails in a segment: sex M and site chest tube: misses, p",
        "pneumothorax changed over time. With 2024-04 the share of alerts rose",
        "number 2 of pneumothorax",
    ):
        assert said in summary, said


def test_the_summary_tells_a_clinician_what_the_threshold_does() -> None:
    page = rendered("full")
    summary = Page(page[page.index('id="summary"') : page.index('id="metrics"')]).words
    assert (
        "Of 100 such images, 30 raise an alert: 9.6 rightly, 20 falsely. Of 100 that have it, 49 are missed." in summary
    )


def test_groups_are_drawn_at_the_shared_threshold_and_what_lies_under_all_rows_is_marked() -> None:
    drawn = next(
        one
        for one in re.findall(r"<svg.*?</svg>", rendered("full"), re.S)
        if "Sensitivity" in one or "sensitivity by group" in one
    )
    told = re.search(r"<desc[^>]*>(.*?)</desc>", drawn, re.S)
    assert told is not None
    assert "M: 0.600 (0.500–0.700), under all rows" in told[1] and "F: 0.800 (0.700–0.900);" in told[1]
    assert told[1].index("sex;") < told[1].index("chest tube;"), "attributes come before findings"
    assert "1 groups are too small" in Page(rendered("full")).words


def test_a_timeline_is_told_and_drawn_with_the_month_of_the_change() -> None:
    page = Page(rendered("full"))
    assert "With 2024-04 the share of alerts rose at chest tube." in page.words
    assert "since 2024-04" in page.words and "2024-02 0.200 (0.150–0.250)" in page.words


def test_runs_stand_side_by_side_where_there_are_several() -> None:
    data = made_report()
    page = Page(render(data))
    assert "other chest tube" in page.words and "\u22120.050 to +0.010" in page.words
    assert 'id="runs"' not in render(replace(data, beside=None, beside_operating=()))


@pytest.mark.soak
def test_flags_say_in_words_what_fails_and_what_could_not_be_judged() -> None:
    data = made_report()
    words = Page(render(data)).words
    assert "1 fail" in words and "1 pass" in words and "1 not judged" in words
    failed, passed, unjudged = data.flags
    assert in_words(failed) == "pneumothorax: sensitivity 0.770, under 0.800"
    assert in_words(passed) == "pneumothorax: AUROC 0.950, within its limits"
    assert in_words(unjudged).endswith("weakest group not judged: chest tube")
    assert "Against the limits" not in render(replace(data, flags=()))


def test_a_model_card_states_what_it_holds_and_names_what_it_does_not() -> None:
    words = Page(rendered("full")).words
    assert "Intended use" in words and "Not stated: name, version, training data, known limits, contact." in words


def test_rows_of_which_nothing_could_be_shown_are_folded() -> None:
    page = rendered("full")
    folded = page[page.index("1 more of which nothing could be shown") :]
    assert folded.index("sex: M") < folded.index("</details>")
    (audit, *_) = made_report().confounders
    leaned = [replace(audit.found[1], name=f"thing {number}") for number in range(12)]
    many = render(replace(made_report(), confounders=(replace(audit, found=Listing(leaned, ["name"])),)))
    assert "4 more rows" in many and "4 more of which nothing" not in many, "something was shown of them"


def test_a_correlation_of_scores_stands_beside_that_of_concepts_in_general() -> None:
    shown = Page(rendered("full")).words
    assert "\u22120.570" in shown and "own parts of concepts in general have r +0.80" in shown


@pytest.mark.soak
def test_a_label_is_never_told_to_be_clear_where_something_is_called() -> None:
    data = made_report()
    (audit, *_) = data.confounders

    def summary(*rows: Confounder) -> str:
        page = render(replace(data, confounders=(replace(audit, found=Listing(rows, ["name"])),)))
        return Page(page[page.index('id="summary"') : page.index('id="metrics"')]).words

    assert "Nothing that the model leans on was called" in summary(replace(audit.found[0], verdict=""))
    for verdict in ("confounder", "harmful lean", "correlate", "leaned on"):
        told = summary(replace(audit.found[0], verdict=verdict))
        assert f"{verdict.capitalize()}: chest tube" in told and "Nothing that the model leans on" not in told


def test_a_slice_that_is_no_weaker_than_all_rows_is_not_called_the_worst() -> None:
    data = made_report()
    page = render(replace(data, slices=(replace(data.slices[0], auroc=0.5),)))
    assert "In no slice does the AUROC lie under that of all rows." in page and "The worst slice" not in page


def test_a_slice_of_false_alarms_is_the_worst_though_it_ranks_well() -> None:
    data = made_report()
    (slices, *_) = data.slices
    fine = Interval(0.95, 0.9, 0.98)
    bad = Figures(
        n=80,
        patients=60,
        positives=20,
        false_alarms=36,
        missed=1,
        specificity=Interval(0.4, 0.28, 0.53),
        **dict.fromkeys(("sensitivity", "ppv", "npv", "alerts", "calibration", "slope", "auroc", "bpsn", "bnsp"), fine),
    )
    low = replace(
        slices.slices[0],
        auroc=0.99,
        auroc_low=0.95,
        auroc_high=0.999,
        worse_in=("false alarms",),
        here=bad,
        elsewhere=replace(bad, specificity=Interval(0.98, 0.95, 0.99)),
    )
    page = Page(render(replace(data, slices=(replace(slices, slices=Listing([low], ["number"])),)))).words
    assert "false alarms 0.600 against 0.020 elsewhere" in page and "surely worse than in the other slices" in page
    assert "In no slice" not in page


@pytest.mark.soak
def test_sentences_and_images_are_left_out_where_they_are_not_wanted() -> None:
    data = made_report(words="a sentence of a patient")
    example = replace(data.examples[0], explanation=replace(data.examples[0].explanation, image_id="i1"))
    data = replace(data, examples=(example,))
    assert "<q>a sentence of a patient</q>" in render(data) and "<img" in render(data)
    bare = render(replace(data, with_evidence=False, thumbnails={}))
    assert "<q>" not in bare and "R1, findings" not in bare and "<img" not in bare


PAIRS = [
    ("ink", "paper"),
    ("soft", "paper"),
    ("link", "paper"),
    ("blue", "paper"),
    ("rust", "paper"),
    ("grey", "paper"),
    ("green", "paper"),
    ("ochre", "paper"),
    ("red", "paper"),
]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_told_from_the_paper(scheme: int) -> None:
    palettes = [
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6,8});", part)) for part in re.findall(r":root \{(.*?)\}", style(), re.S)
    ]
    palette = palettes[scheme]
    for ink, paper in [*PAIRS, ("focus", "paper")]:
        assert contrast(palette[ink], palette[paper]) >= 4.5, (ink, scheme)
    assert set(re.findall(r"var\(--(\w+)\)", style())) <= set(palette)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_a_chart_has_the_colours_of_the_page_and_no_others() -> None:
    palette = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", style().partition("@media")[0]))
    assert {name: colour for colour, name in NAMES.items()}.items() <= palette.items()
    page = rendered("full")
    drawings = re.findall(r"<svg.*?</svg>", page, re.S)
    assert len(drawings) > 5
    assert not [drawing for drawing in drawings if re.search("#[0-9a-f]{6}", drawing)]
    printed = by_value("".join(drawings))
    assert "var(--" not in printed and set(re.findall("#[0-9a-f]{6}", printed)) <= NAMES.keys()


def test_the_ids_within_a_chart_are_its_own() -> None:
    one, other = (bars_chart(name, "t", [("a", 1.0), ("b", -1.0)]) for name in ("one", "other"))
    assert one.replace("one-", "other-") == other
    assert {found.partition("-")[0] for found in re.findall(r'id="([^"]*)"', one)} == {"one"}


def test_a_text_of_a_chart_is_text_and_no_formula_nor_markup() -> None:
    drawn = bars_chart("c", "title <b>", [("$x_1$ <script> & \x00\ud800漢字", 0.5)])
    assert (
        "$x_1$ &lt;script&gt; &amp; \ufffd\ufffd漢字" in drawn and "title &lt;b&gt;" in drawn and "<script" not in drawn
    )


def test_a_value_without_width_still_has_an_axis() -> None:
    drawn = intervals_chart("c", "t", [Dot("surely", 1.0, 1.0, 1.0)])
    assert ">1<" in drawn and "1.01" not in drawn, "no share is beyond 1"


def test_texts_hold_nothing_unseen_and_nothing_that_turns_them() -> None:
    assert clean("a\x00b\u202ec\ud800") == "a\ufffdbc\ufffd"
    assert shortened("abcdef", 4) == "abc…"


def test_numbers_have_three_digits() -> None:
    told = [signed(value) for value in (1.23456, -12.345, 0.01234, -0.5, 1234.5, 0.0, -8e-7, float("nan"), None)]
    assert told == ["+1.23", "−12.3", "+0.012", "−0.500", "+1,234", "0", "−8e−7", "–", "–"]
    assert [share(0.96249), share(None), chance(0.00004), chance(0.04)] == ["0.962", "–", "< 0.001", "0.040"]
    assert with_interval(0.9, (0.8, 1.0)) == "0.900 (0.800–1.000)" and with_interval(0.9, None) == "0.900"
    assert [tick_text(value) for value in (0.1 + 0.2, 0.0, -0.5, 1000.0)] == ["0.3", "0", "\u22120.5", "1000"]


def test_a_page_takes_the_place_of_a_page_and_of_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert write_report(BARE, path) == path
    assert GENERATOR in path.read_text(encoding="utf-8")
    write_report(made_report(), path)
    assert "chest tube" in path.read_text(encoding="utf-8")
    other = tmp_path / "mine.html"
    other.write_text("<p>mine</p>", encoding="utf-8")
    for wrong in (other, tmp_path / "report.txt", tmp_path / "nowhere" / "report.html"):
        with pytest.raises(UsageError, match=r"replaced only if asked|ends in \.html or \.pdf|no folder"):
            check_target(wrong)
    assert other.read_text(encoding="utf-8") == "<p>mine</p>"
    write_report(BARE, other, overwrite=True)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["mine.html", "report.html"]


def has_printer() -> bool:
    try:
        check_printer()
    except ClearKbError:
        return False
    return True


@pytest.mark.soak
@pytest.mark.skipif(not has_printer(), reason="nothing here prints a PDF")
def test_a_page_is_printed_and_takes_the_place_of_a_print_alone(tmp_path: Path) -> None:
    path = write_report(PAGES["hostile"], tmp_path / "report.pdf")
    assert path.read_bytes().startswith(b"%PDF-")
    write_report(BARE, path)
    (tmp_path / "mine.pdf").write_bytes(b"%PDF-1.7 mine")
    with pytest.raises(UsageError, match="replaced only if asked"):
        check_target(tmp_path / "mine.pdf")


@pytest.mark.skipif(has_printer(), reason="a PDF can be printed here")
def test_what_a_print_needs_is_said_before_the_work_begins(tmp_path: Path) -> None:
    with pytest.raises(ClearKbError, match="WeasyPrint"):
        check_target(tmp_path / "report.pdf")


OVERLAPS = """(() => {
  const wrong = [];
  for (const drawing of document.querySelectorAll('svg')) {
    const box = drawing.getBoundingClientRect(), title = drawing.querySelector('title').textContent;
    if (box.width < 200 || box.height < 60) wrong.push(['small', title]);
    const texts = [...drawing.querySelectorAll('text')].map(one => [one.textContent, one.getBoundingClientRect()]);
    texts.forEach(([said, a], at) => {
      if (a.left < box.left - 1 || a.right > box.right + 1 || a.bottom > box.bottom + 1)
        wrong.push(['cut', said, title]);
      for (const [other, b] of texts.slice(at + 1))
        if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
            && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2) wrong.push(['over', said, other, title]);
    });
  }
  for (const image of document.images) if (!image.naturalWidth) wrong.push(['broken', image.alt]);
  return wrong;
})()"""


@pytest.mark.soak
@pytest.mark.skipif(find_chromium() is None, reason="no chromium here")
def test_a_browser_draws_all_of_it_without_a_word(tmp_path: Path) -> None:
    long = "extensive right apical slightly increased pneumothorax of a very long name"
    program = find_chromium()
    assert program is not None
    with Chromium(program) as browser:
        for name, data in (("full", made_report()), ("long", made_report(long, long)), ("hostile", PAGES["hostile"])):
            path = write_report(data, tmp_path / f"{name}.html")
            for width, dark in ((1280, False), (360, True)):
                browser.open(path, width, dark=dark)
                assert browser.complaints == []
                assert browser.ask("document.querySelectorAll('svg').length") == 16
                assert browser.ask("document.documentElement.scrollWidth") <= width
                assert browser.ask(OVERLAPS) == []
                assert browser.ask("document.activeElement.tagName") == "BODY"

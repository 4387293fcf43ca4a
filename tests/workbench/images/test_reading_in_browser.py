"""A reading session in a real browser: by keyboard and mouse, at three widths, light and dark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from playwright.sync_api import Browser, Page, expect

from encoder.prediction.intervention import bottlenecks_of
from encoder.prediction.runs import read_run
from encoder.prediction.saved_interventions import find_saved, save_intervention, saved_interventions
from kb.knowledge_base import KnowledgeBase
from tests.support.browser import LOOKS, Window, window
from tests.support.served import served

MEAN_GREY = """() => {
  const canvas = document.querySelector("canvas");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let sum = 0;
  for (let at = 0; at < data.length; at += 4) sum += data[at];
  return sum / (data.length / 4);
}"""

IMAGE = "/images/one?image=im0008.png&run=bottleneck&label=nodule"


@pytest.fixture(scope="module")
def address(read_study: KnowledgeBase) -> Iterator[str]:
    """One server for all, which has loaded its models already: that takes as long as the machine is busy."""
    with served(read_study.uri) as told:
        visitor = build_opener(HTTPCookieProcessor())
        visitor.open(told, timeout=60)
        visitor.open(told.partition("?")[0].rstrip("/") + IMAGE.replace("/one?", "/explanation?"), timeout=300)
        yield told


@pytest.fixture
def look(browser: Browser, address: str) -> Iterator[Callable[..., Window]]:
    """Opens a window on it."""
    opened = []

    def make(width: int = 1280, dark: bool = False) -> Window:
        one = window(browser, address, width=width, height=900, dark=dark)
        opened.append(one)
        return one.__enter__()

    yield make
    for one in opened:
        one.__exit__(None, None, None)


def explained(at: Window, path: str = IMAGE) -> Page:
    page = at.open(path)
    page.locator("table.findings").wait_for()
    page.locator("table.predictions").wait_for()
    return page


@pytest.mark.soak
@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_both_pages_are_clean_in_every_size_and_light(look: Callable[..., Window], width: int, dark: bool) -> None:
    at = look(width, dark)
    page = at.open("/images/?run=probe&label=nodule")
    page.locator(".gallery a").first.wait_for()
    page.get_by_label("Split").get_by_text("validation").wait_for(state="attached")
    at.assert_clean()
    at.assert_fits()
    page = explained(at)
    page.get_by_role("button", name="Heat map of nodule").click()
    page.locator(".scale:visible").wait_for()
    for layer in ("canvas", ".heat"):
        box = page.locator(layer).bounding_box()
        assert box is not None and abs(box["width"] - box["height"]) < 1, "a picture is not stretched"
    for key in ("b", "x"):
        page.keyboard.press(key)
    page.locator(".slider").first.wait_for()
    page.locator("table.exact").wait_for()
    at.assert_clean()
    at.assert_fits()


@pytest.mark.soak
def test_from_the_gallery_to_an_image_and_on_by_keyboard(look: Callable[..., Window]) -> None:
    page = look().open("/images/")
    page.locator(".gallery a").first.wait_for()
    page.keyboard.press("/")
    page.keyboard.type("im0008.png")
    page.keyboard.press("Enter")
    expect(page.locator("#cells")).to_contain_text("likeness to the image")
    assert "q=im0008.png" in page.url
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/images/one"))
    first = page.get_by_role("heading", level=1).inner_text()
    page.keyboard.press("n")
    expect(page.get_by_role("heading", level=1)).not_to_have_text(first)


@pytest.mark.soak
def test_a_filter_changes_what_is_shown_and_the_address(look: Callable[..., Window]) -> None:
    page = look().open("/images/")
    page.get_by_label("Label").select_option("nodule")
    page.get_by_label("is held to be").select_option("1")
    expect(page.locator("#cells")).to_contain_text(re.compile(r"\d+ of 200 images"))
    page.wait_for_url(re.compile("held=1"))
    page.reload()
    expect(page.get_by_label("is held to be")).to_have_value("1")


@pytest.mark.soak
def test_window_and_level_change_the_grey_values_and_zoom_the_place(look: Callable[..., Window]) -> None:
    page = explained(look())
    before = page.evaluate(MEAN_GREY)
    page.keyboard.press(",")
    assert page.evaluate(MEAN_GREY) > before
    page.keyboard.press("v")
    assert page.evaluate(MEAN_GREY) < 255 - before + 1
    page.keyboard.press("+")
    page.wait_for_function("document.querySelector('.layers').style.transform.startsWith('scale(1.3')")
    page.keyboard.press("0")
    assert abs(page.evaluate(MEAN_GREY) - before) < 1


@pytest.mark.soak
def test_the_heat_map_is_a_layer_with_its_scale_and_sides(look: Callable[..., Window]) -> None:
    page = explained(look())
    page.keyboard.press("h")
    scale = page.locator(".scale")
    expect(scale).to_contain_text("patient's left")
    assert page.locator(".letter.on-left").inner_text() == "R" and page.locator(".letter.on-right").inner_text() == "L"
    page.locator("[data-opacity]").fill("20")
    assert page.evaluate("document.querySelector('.heat').style.opacity") == "0.2"
    page.keyboard.press("h")
    expect(scale).to_be_hidden()


@pytest.mark.soak
def test_a_slider_moves_the_prediction_and_is_kept_under_a_name(
    look: Callable[..., Window], read_study: KnowledgeBase
) -> None:
    page = explained(look())
    page.keyboard.press("b")
    slider = page.locator(".slider input").first
    score = page.locator("[data-score]")
    before = score.inner_text()
    slider.focus()
    for _ in range(12):
        slider.press("ArrowRight")
    expect(score).not_to_have_text(before)
    page.get_by_label("Keep what is set under a name").fill("seen in the browser")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator("#said")).to_contain_text("Kept as “seen in the browser”")
    saved = saved_interventions(read_run(KnowledgeBase.open(read_study.uri), "bottleneck"))
    assert "seen in the browser" in [one.name for one in saved]


@pytest.mark.soak
@pytest.mark.parametrize(("value", "told"), [(7.0, "+7.0"), (0.25, "+0.25")])
def test_an_intervention_is_sent_and_kept_exactly_as_it_was_saved(
    look: Callable[..., Window], read_study: KnowledgeBase, value: float, told: str
) -> None:
    base = KnowledgeBase.open(read_study.uri)
    (of_label,) = [one for one in bottlenecks_of(read_run(base, "bottleneck")) if one.label == "nodule"]
    concept = of_label.concepts[0].concept_id
    save_intervention(base, "bottleneck", f"first {told}", {concept: value}, labels=("nodule",))
    page = explained(look())
    page.keyboard.press("b")
    with page.expect_request("**/images/set") as sent:
        page.get_by_role("button", name=f"first {told}").click()
    (body,) = re.findall(rf'name="set.{concept}"\s+(\S+)', sent.value.post_data or "")
    assert float(body) == value
    slider = page.locator(f".slider:has([data-concept='{concept}'])")
    expect(slider.locator("output")).to_have_text(told)
    page.get_by_label("Keep what is set under a name").fill(f"again {told}")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator("#said")).to_contain_text(f"Kept as “again {told}”")
    run = read_run(KnowledgeBase.open(read_study.uri), "bottleneck")
    assert find_saved(run, f"again {told}").values == {concept: value}
    slider.locator("[data-concept]").press("ArrowLeft")
    expect(slider.locator("output")).not_to_have_text(told)


def test_a_slider_is_answered_in_less_than_a_tenth_of_a_second(look: Callable[..., Window]) -> None:
    page = explained(look())
    page.keyboard.press("b")
    page.locator(".slider").first.wait_for()
    took = page.evaluate(
        """async () => {
          const form = document.querySelector("[data-sliders]");
          const range = form.querySelector("[data-concept]");
          const headers = { ...JSON.parse(document.body.getAttribute("hx-headers")), "hx-request": "true" };
          const took = [];
          for (let step = 0; step < 20; step++) {
            const told = new FormData(form);
            told.set("set." + range.dataset.concept, String(step / 10));
            const began = performance.now();
            await (await fetch("/images/set", { method: "POST", headers, body: told })).json();
            took.push(performance.now() - began);
          }
          return took.sort((a, b) => a - b)[10];
        }"""
    )
    assert took < 100

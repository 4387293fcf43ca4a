"""Every way in which a view is written comes to one normal form, and what says two views says none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.images.view import agreed_view, normal_view, view_of_name
from schemas.sql.audit_views import macros
from schemas.terms import VIEWS

SAID = {
    "PA": "PA|pa|P.A.|POSTERO_ANTERIOR|postero-anterior|POSTEROANTERIOR|Posterior anterior|PA upright|Thorax p.a.",
    "AP": "AP|AP_horizontal|antero-posterior|ANTERO_POSTERIOR|AP supine|Anterior-Posterior|view: AP|portable AP",
    "frontal": "Frontal|FRONTAL|PA/AP|AP/PA|L\\F|['R', 'F']|胸部正面|frontale|de face",
    "lateral": "L|LL|RL|LATERAL|Lateral|left lateral|Lat.|LATERAL_L|XTABLE LATERAL|A\\F|P\\F|側面像|Perfil",
    "other": "LLD|AP LLD|left lateral decubitus|AP AXIAL|LPO|Left posterior oblique|AL\\F|COSTAL|oblíqua|AP lordotic",
}
SAYS_NONE = "Xray Chest PA and Lateral|CHEST (PA AND LAT)|Thorax pa/lat|PA, oblique|CHEST 2 VIEWS|PA en lateraal"
SAYS_NONE += "|portable|EXCLUDE|UNK||nan|Erect|YES|unilateral|F\\H|palate"


@pytest.mark.parametrize(("view", "text"), [(view, text) for view, texts in SAID.items() for text in texts.split("|")])
def test_a_view_is_read_however_it_is_written(view: str, text: str) -> None:
    assert normal_view(text) == view
    assert normal_view(f" {text.upper()} ") == view


@pytest.mark.parametrize("text", [None, *SAYS_NONE.split("|")])
def test_what_says_no_view_or_two_is_unknown(text: str | None) -> None:
    assert normal_view(text) is None


@pytest.mark.parametrize("view", VIEWS)
def test_the_normal_form_stays_what_it_is(view: str) -> None:
    assert normal_view(view) == agreed_view([view, None, view]) == view


@given(st.text(max_size=40))
def test_any_text_gives_a_view_or_none(text: str) -> None:
    assert normal_view(text) in (None, *VIEWS)
    assert view_of_name(text) in (None, *VIEWS)


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("train/patient00001/study1/view1_frontal.jpg", "frontal"),
        ("view2_lateral.jpg", "lateral"),
        ("chest-AP.dcm", "AP"),
        ("12_pa.png", "PA"),
        ("pa_0001.png", None),
        ("frontal/1_IM-0001-3001.dcm.png", None),
        ("frontal_lateral.png", None),
    ],
)
def test_a_file_name_says_a_view_by_whole_words(name: str, view: str | None) -> None:
    assert view_of_name(name) == view


@pytest.mark.parametrize(
    ("texts", "view"),
    [
        (["Frontal", "AP"], "AP"),
        (["Lateral", ""], "lateral"),
        (["Lateral", "PA"], None),
        (["PA", "AP"], "frontal"),
        (["other", "PA"], None),
        ([], None),
    ],
)
def test_several_columns_agree_on_the_closest_or_on_none(texts: list[str], view: str | None) -> None:
    assert agreed_view(texts) == view


def test_sql_and_python_read_the_usual_names_alike() -> None:
    macro = re.search(r"MAP \{(.*?)\}", macros(), re.S)
    assert macro is not None
    named = dict(re.findall(r"'([^']+)': '([^']+)'", macro[1]))
    assert len(named) > 20
    assert {text: normal_view(text) for text in named} == named

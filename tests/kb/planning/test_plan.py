"""A plan of a large study: units, scaling, what decides the engine and the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import UsageError
from kb.planning.plan import Machines, Study, plan
from kb.planning.rates import RATES, Prices, Rate, with_rates

BANK = Study(reports=1_000_000, images=900_000, concepts=368_294, dimension=4_096, epochs=10)
FREE = Prices(core_hour=0, gpu_hour=0, gb_month=0, million_requests=0)


def test_a_core_that_does_one_a_second_takes_an_hour_for_3600() -> None:
    rates = {**RATES, "mine": Rate(per_second=1, by="core", basis="told")}
    found = plan(Study(reports=3_600, images=0, concepts=0), Machines(cores=1), rates=rates)
    (mining,) = found.steps
    assert (mining.step, mining.busy_hours, mining.hours, mining.cost) == ("mine", 1.0, 1.0, Prices().core_hour)
    four = plan(Study(reports=3_600, images=0, concepts=0), Machines(cores=4), rates=rates).steps[0]
    assert (four.busy_hours, four.hours, four.cost) == (1.0, 0.25, Prices().core_hour)


def test_the_vectors_of_the_published_bank_take_six_gigabytes() -> None:
    sizes = {one.table: one.gigabytes for one in plan(BANK).tables}
    assert sizes["embeddings"] == pytest.approx(368_294 * 4_096 * 4 / 1e9)
    assert sizes["concepts"] == pytest.approx(6.03, abs=0.1)
    assert sizes["pixels"] == pytest.approx(900_000 * 448 * 448 / 1e9)
    half = {one.table: one.gigabytes for one in plan(Study(**{**facts(BANK), "float16": True})).tables}
    assert half["concepts"] == pytest.approx(3.06, abs=0.1) and half["embeddings"] == sizes["embeddings"]


def facts(study: Study) -> dict[str, Any]:
    return {name: getattr(study, name) for name in study.__slots__}


@given(times=st.integers(2, 50), reports=st.integers(1, 10**6), images=st.integers(1, 10**6))
def test_twice_as_much_takes_twice_as_long_and_as_much_room(times: int, reports: int, images: int) -> None:
    ample = Machines(within_hours=1e9)
    one, many = (
        plan(Study(reports=reports * n, images=images * n, concepts=0), ample, prices=FREE) for n in (1, times)
    )
    assert many.hours == pytest.approx(times * one.hours)
    assert many.gigabytes == pytest.approx(times * one.gigabytes)


def test_what_one_machine_does_in_time_stays_there_in_a_folder() -> None:
    small = plan(Study(reports=100_000, images=1_000, concepts=10_000), Machines(cores=16, within_hours=24))
    assert (small.engine, small.machines, small.store) == ("local", 1, "folder")


def test_more_goes_to_as_many_machines_as_are_done_in_time_and_an_object_store() -> None:
    large = plan(BANK, Machines(cores=16, gpus=1, within_hours=8))
    assert (large.engine, large.store) == ("ray", "object store")
    assert large.hours <= 8 < plan(BANK, Machines(cores=16, gpus=1, within_hours=1e9)).hours
    assert plan(BANK, Machines(count=large.machines, cores=16, gpus=1)).hours == pytest.approx(large.hours)


def test_without_a_gpu_its_work_falls_to_the_cores() -> None:
    by = {step.step: step.by for step in plan(BANK, Machines(gpus=0)).steps}
    assert set(by.values()) == {"core"}
    assert {step.step for step in plan(BANK, Machines(gpus=1)).steps if step.by == "gpu"} == {
        "embed",
        "train",
        "encode",
    }


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="there is nothing to plan"):
        plan(Study(reports=0, images=0, concepts=0))
    with pytest.raises(UsageError, match="within_hours 0"):
        plan(BANK, Machines(within_hours=0))
    with pytest.raises(UsageError, match="there is no rate 'fly': choose of mine, decode"):
        with_rates({"fly": 1})
    with pytest.raises(UsageError, match="encode=nan: a number above 0"):
        with_rates({"encode": float("nan")})


@pytest.mark.soak
def test_the_command_prints_the_plan_and_takes_rates_and_prices(cli: Callable[..., Any], cli_json: Any) -> None:
    about = ("plan", "--images", "36000", "--gpus", "1", "--rate", "encode=10", "--price", "gpu_hour=2")
    found = cli_json(*about)
    (encoding,) = (step for step in found["steps"] if step["step"] == "encode")
    assert (encoding["hours"], encoding["cost"], encoding["basis"]) == (1.0, 2.0, "told")
    shown = cli(*about).stdout
    assert "engine  local, on 1 machine" in shown and "2 a GPU hour" in shown
    assert "choose of core_hour" in cli("plan", "--images", "1", "--price", "tea=1", code=2).stderr

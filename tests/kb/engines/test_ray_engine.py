"""A Ray cluster as an engine: the order, and what becomes of workers that end."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kb.engines.choice import EngineOptions, open_engine
from kb.engines.ray_cluster import joined
from kb.engines.work import Engine, whole
from kb.errors import ClearKbError, UsageError
from tests.support.batches import doubling, dying, refusing, telling, unable
from tests.support.ray_cluster import needs_ray, two_workers

pytestmark = needs_ray

SOCKETS, LOOPBACK = Path("/proc/net"), "0100007F"

DOUBLED = [(number, 2 * number) for number in range(40)]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with two_workers() as engine:
        yield engine


@pytest.mark.soak
@pytest.mark.parametrize(("ahead", "together"), [(4, 1), (1, 3)])
def test_results_come_in_the_order_of_the_batches(engine: Engine, ahead: int, together: int) -> None:
    assert list(engine.map(doubling(ahead=ahead, together=together), range(40), whole)) == DOUBLED


@pytest.mark.soak
def test_a_worker_that_is_killed_costs_no_batch(engine: Engine, tmp_path: Path) -> None:
    found, killed = [], set()
    for pair in engine.map(telling(tmp_path), range(12), whole):
        found.append(pair)
        if not killed:
            busy = {int(path.name.split("-")[1]) for path in tmp_path.iterdir()}
            killed = {min(busy)}
            os.kill(min(busy), signal.SIGKILL)
    assert found == DOUBLED[:12]
    begun = [path.name.split("-") for path in tmp_path.iterdir()]
    assert {int(number) for number, _ in begun} == set(range(12))
    assert len({process for _, process in begun}) == 3, "another worker took the place of the one that was killed"


@pytest.mark.soak
def test_a_batch_that_ends_every_worker_ends_the_work_in_words(engine: Engine) -> None:
    with pytest.raises(ClearKbError, match=r"a worker that was dying ended 4 times: .* do the same again"):
        list(engine.map(dying(1), range(9), whole))


@pytest.mark.soak
def test_what_a_batch_raises_is_raised_as_it_is(engine: Engine) -> None:
    with pytest.raises(UsageError, match=r"^three is refused$") as refused:
        list(engine.map(refusing(), range(9), whole))
    assert (refused.value.need, refused.value.parameter) == ("labels", "source")
    with pytest.raises(UsageError, match=r"^the model is not there$"):
        list(engine.map(unable(), range(9), whole))


@pytest.mark.soak
@pytest.mark.skipif(not SOCKETS.exists(), reason="the listening sockets are read from /proc")
def test_a_cluster_of_this_machine_listens_to_this_machine_alone() -> None:
    before = _listening()
    with joined(None, 2):
        own = _listening() - before
    own -= _listening()
    assert len(own) >= 3, "its servers and its workers"
    assert {address for address, _ in own} <= {LOOPBACK, f"0000000000000000FFFF0000{LOOPBACK}"}


def _listening() -> set[tuple[str, str]]:
    """The addresses and ports that something of this machine listens on."""
    lines = [line.split() for name in ("tcp", "tcp6") for line in (SOCKETS / name).read_text().splitlines()[1:]]
    return {(address, port) for address, _, port in (line[1].partition(":") for line in lines if line[3] == "0A")}


def test_a_cluster_is_started_with_the_first_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.engines.ray_engine.joined", None)  # calling it would fail
    with two_workers() as engine:
        assert list(engine.map(doubling(), [], whole)) == []


@pytest.mark.parametrize("address", ["nonsense", "ray://head:10001", "head:port", ":6379"])
def test_an_address_that_is_none_is_told_at_once(cli: Callable[..., object], tmp_path: Path, address: str) -> None:
    with (
        pytest.raises(UsageError, match="is no address of a Ray cluster: HOST:PORT"),
        open_engine(EngineOptions(name="ray", address=address)) as engine,
    ):
        list(engine.map(doubling(), range(3), whole))


def test_a_cluster_that_does_not_answer_is_told_in_one_line(cli: Callable[..., object], tmp_path: Path) -> None:
    (tmp_path / "reports.csv").write_text("uid,findings\na,Small left effusion.\n", encoding="utf-8")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        told = cli(
            *("ingest", "reports", "reports.csv", "--no-embed", "--engine", "ray", "--engine-address", address), code=1
        )
    assert told.stderr.startswith(f"error: no Ray cluster answers at {address}: Connection refused")  # type: ignore[attr-defined]
    assert told.stderr.count("\n") == 1  # type: ignore[attr-defined]

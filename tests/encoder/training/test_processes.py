"""What two processes share: sums of gradients in their buckets, validation, what the leader finds, and embeddings."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
import torch.multiprocessing
from hypothesis import given
from hypothesis import strategies as st

from encoder.training import gradient_sum
from encoder.training.embedding_rows import RowFile, RowsOnDevice
from encoder.training.gradient_sum import GradientSum
from encoder.training.processes import ALONE, Processes, joined
from encoder.training.stopping import StopSignal
from kb.errors import UsageError


@given(st.integers(0, 50), st.integers(1, 9))
def test_parts_follow_each_other_and_differ_by_one_at_most(total: int, count: int) -> None:
    parts = [Processes(rank, count).part(range(total)) for rank in range(count)]
    assert [one for part in parts for one in part] == list(range(total))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    made = torch.nn.ModuleDict({name: torch.nn.Linear(5, 5) for name in ("a", "b", "frozen", "unused")})
    made["frozen"].requires_grad_(False)
    return made


def passes(made: torch.nn.Module, step: int, parts: list[torch.Tensor]) -> None:
    """Backward passes as accumulation makes them: one weight hears of every part, another of the last alone."""
    for part in parts:
        (made["frozen"](made["a"](part)) ** 2).sum().backward()
    (made["b"](parts[-1]) * step).sum().backward()


def data(step: int) -> torch.Tensor:
    return torch.randn(8, 5, generator=torch.Generator().manual_seed(step))


def summed(processes: Processes) -> list[dict[str, torch.Tensor | None]]:
    """The gradients of three steps."""
    made = network()
    gradients, found = GradientSum(made, processes), []
    for step in (1, 2, 3):
        own = processes.share(list(range(8)))
        passes(made, step, list(data(step)[own].split(2)))
        gradients.finish()
        found.append({name: None if p.grad is None else p.grad.clone() for name, p in made.named_parameters()})
        gradients.clear()
    return found


def whole() -> list[dict[str, torch.Tensor | None]]:
    """The same of one process, by hand: the last parts of both processes are what `b` hears of."""
    found = []
    for step in (1, 2, 3):
        made = network()
        (made["frozen"](made["a"](data(step))) ** 2).sum().backward()
        (made["b"](data(step)[[2, 3, 6, 7]]) * step).sum().backward()
        found.append({name: p.grad for name, p in made.named_parameters()})
    return found


def _one_of_two(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    with joined("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2) as processes:
        with patch.object(gradient_sum, "BUCKET_BYTES", 40):  # a bucket a weight
            found = {"gradients": summed(processes)}
        found["late"] = late_gradient(processes)
        found["gathered"] = processes.gather_parts(torch.arange(6.0).view(3, 2)[processes.part(range(3))], 3)
        found["refused"] = refused(processes)
        found["rows"], found["files"] = mapped_rows(processes)
        found["agreed"], found["totals"] = stopped(processes)
    torch.save(found, f"{folder}/{rank}.pt")


def late_gradient(processes: Processes) -> str:
    """What is said where a weight gets a gradient once more than in the first step."""
    made = network()
    gradients = GradientSum(made, processes)
    made["a"](data(0)).sum().backward()
    gradients.finish()
    gradients.clear()
    made["a"](data(0)).sum().backward()
    with pytest.raises(RuntimeError) as error:
        made["a"](data(0)).sum().backward()
    gradients.finish()
    return str(error.value)


def refused(processes: Processes) -> str | None:
    """The parameter of what the leader refuses."""

    def refuse() -> None:
        raise UsageError("nothing to resume", parameter="resume")

    with pytest.raises(UsageError, match="nothing to resume") as error:
        processes.as_leader_finds(refuse)
    return error.value.parameter


def mapped_rows(processes: Processes) -> tuple[torch.Tensor, list[str]]:
    """Rows that both append and map, and the file (its inode) that each has them in."""
    file = RowFile(processes)
    for part in np.arange(12, dtype=np.float32).reshape(2, 2, 3):
        file.append(part)
    rows = file.mapped()
    maps = Path("/proc/self/maps")
    lines = maps.read_text().splitlines() if maps.exists() else []
    inodes = [line.split()[4] for line in lines if "clear-kb-embeddings" in line]
    return torch.from_numpy(np.array(rows)), [inode for one in processes.gather_objects(inodes) for inode in one]


def stopped(processes: Processes) -> tuple[list[bool], list[float]]:
    """Whether this process leaves, step by step, where only the other one was told to; and the sums."""
    stop = StopSignal(processes)
    agreed, totals = [], []
    for step in range(3):
        stop.heard = processes.rank == 1
        totals.append(float(stop.sum(torch.tensor(2.0 + step))))
        agreed.append(stop.agreed)
    return agreed, totals


def test_two_processes_share_what_one_would_have(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(_one_of_two, (str(tmp_path),), nprocs=2)
    wanted = whole()
    for rank in (0, 1):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        for step, gradients in enumerate(found["gradients"]):
            for name, gradient in gradients.items():
                if name.startswith(("frozen", "unused")):
                    assert gradient is None, "what has no gradient in one process has none in two"
                else:
                    assert torch.allclose(gradient, wanted[step][name], atol=1e-5), (step, name)
        assert "came after the sum over all processes was sent" in found["late"]
        assert torch.equal(found["gathered"], torch.arange(6.0).view(3, 2))
        assert found["refused"] == "resume"
        assert torch.equal(found["rows"], torch.arange(12.0).view(4, 3))
        assert len(set(found["files"])) <= 1, "the embeddings stand once a machine"
        assert found["agreed"] == [False, True, True], "both leave at the same step, one after it was heard"
        assert found["totals"] == [4, 6, 8]


def test_rows_are_read_from_a_file_and_those_asked_for_are_brought_once(tmp_path: Path) -> None:
    file = RowFile(ALONE)
    file.append(np.arange(12, dtype=np.float64).reshape(4, 3))
    mapped = file.mapped()
    assert isinstance(mapped, np.memmap) and not mapped.flags.writeable
    assert not list(tmp_path.glob("clear-kb-embeddings-*"))
    rows = RowsOnDevice(mapped, "cpu")
    taken = rows[[3, 1]]
    assert taken.tolist() == [[9, 10, 11], [3, 4, 5]]
    assert rows[(3, 1)] is taken and rows[[1]].tolist() == [[3, 4, 5]]
    assert RowFile(ALONE).mapped() is None

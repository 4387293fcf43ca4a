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
    assert sum(parts, []) == list(range(total))
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
            found = summed(processes)
        made = network()
        gradients = GradientSum(made, processes)
        for times in (1, 2):
            with pytest.raises(RuntimeError, match="came after the sum") if times == 2 else _nothing():
                for _ in range(times):
                    made["a"](data(0)).sum().backward()
                gradients.finish()
                gradients.clear()
        rows = torch.arange(6.0).view(3, 2)
        gathered = processes.gather_parts(rows[processes.part(range(3))], 3)
        with pytest.raises(UsageError, match="of the leader") as refused:
            processes.as_leader_finds(lambda: refuse(rank))
        file = RowFile(processes)
        for start in (0, 2):
            file.append(np.arange(12, dtype=np.float32).reshape(4, 3)[start : start + 2])
        mapped = file.mapped()
        assert isinstance(mapped, np.memmap)
        places = processes.gather_objects(
            [line for line in Path("/proc/self/maps").read_text().splitlines() if "clear-kb-embeddings" in line][
                0
            ].split()[4]
        )
        stop = StopSignal(processes)
        agreed = []
        for step in range(3):
            stop.heard = rank == 1
            total = stop.sum(torch.tensor(2.0 + step))
            agreed.append(stop.agreed)
        torch.save(
            {
                "gradients": found,
                "gathered": gathered,
                "refused": refused.value.parameter,
                "rows": torch.from_numpy(np.array(mapped)),
                "one file": len(set(places)) == 1,
                "agreed": agreed,
                "total": total,
            },
            f"{folder}/{rank}.pt",
        )


def refuse(rank: int) -> None:
    raise UsageError(f"of the leader, {rank}", parameter="resume")


class _nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, *of: object) -> None: ...


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
        assert torch.equal(found["gathered"], torch.arange(6.0).view(3, 2))
        assert found["refused"] == "resume"
        assert torch.equal(found["rows"], torch.arange(12.0).view(4, 3)) and found["one file"]
        assert found["agreed"] == [False, True, True], "both leave at the same step, one after it was heard"
        assert found["total"] == 8


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

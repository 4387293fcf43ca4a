"""The states of a training on disk: the last few, whole, and passed over where they are damaged."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from encoder.training.running_mean import RunningMean
from encoder.training.state import Position, forget_states, is_interrupted, newest_state, save_state
from kb.errors import ClearKbError, UsageError


def saved(folder: Path, step: int, keep: int = 2, epoch: int = 0) -> torch.nn.Module:
    """A network after its first step, saved as that of `step`."""
    torch.manual_seed(step)
    network = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
    optimiser = torch.optim.AdamW(network.parameters())
    network(torch.randn(4, 2, 5, 5)).sum().backward()
    optimiser.step()
    save_state(
        folder,
        Position(epoch=epoch, step=step, sums={"loss": 0.1}),
        network,
        optimiser=optimiser,
        mean=RunningMean(network, 0.9),
        made_for={"commit": "C1"},
        keep=keep,
    )
    return network


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "resume").iterdir())


def test_the_last_states_are_kept_and_no_others(tmp_path: Path) -> None:
    for step in (3, 6, 9, 12):
        saved(tmp_path, step, keep=3, epoch=step // 9)
    assert names(tmp_path) == ["epoch-00000-step-00000006", "epoch-00001-step-00000009", "epoch-00001-step-00000012"]
    saved(tmp_path, 12, keep=1, epoch=1)
    assert names(tmp_path) == ["epoch-00001-step-00000012"]
    forget_states(tmp_path)
    assert not is_interrupted(tmp_path)
    with pytest.raises(UsageError, match="nothing to resume"):
        newest_state(tmp_path)


def damage_bits(path: Path) -> None:
    content = bytearray((path / "state.safetensors").read_bytes())
    content[-5] ^= 1
    (path / "state.safetensors").write_bytes(bytes(content))


def cut_short(path: Path) -> None:
    (path / "state.safetensors").write_bytes((path / "state.safetensors").read_bytes()[:100])


def lose_facts(path: Path) -> None:
    (path / "state.json").unlink()


def empty_facts(path: Path) -> None:
    (path / "state.json").write_text("")


@pytest.mark.parametrize("harm", [damage_bits, cut_short, lose_facts, empty_facts])
def test_a_damaged_state_is_passed_over_for_the_one_before_and_that_is_said(tmp_path: Path, caplog, harm) -> None:
    network = saved(tmp_path, 5)
    saved(tmp_path, 6)
    newest = newest_state(tmp_path).path
    harm(newest)
    with caplog.at_level(logging.WARNING):
        state = newest_state(tmp_path)
    assert state.position == Position(step=5, sums={"loss": 0.1})
    assert newest.name in caplog.text and "going on from step 5" in caplog.text
    other = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
    state.load_into(other, torch.optim.AdamW(other.parameters()), RunningMean(other, 0.9))
    assert all(torch.equal(one, again) for one, again in zip(network.parameters(), other.parameters(), strict=True))
    saved(tmp_path, 5, keep=1)
    assert names(tmp_path) == ["epoch-00000-step-00000005"], "the damaged one must not outlive the new one"
    harm(newest_state(tmp_path).path)
    with pytest.raises(ClearKbError, match="no state of the interrupted training can be gone on from"):
        newest_state(tmp_path)


def test_a_death_while_a_state_is_written_leaves_those_before(tmp_path: Path, monkeypatch) -> None:
    saved(tmp_path, 5)

    def die(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", die)
        with pytest.raises(KeyboardInterrupt):
            saved(tmp_path, 6)
    assert newest_state(tmp_path).position.step == 5
    saved(tmp_path, 7)
    assert names(tmp_path) == ["epoch-00000-step-00000005", "epoch-00000-step-00000007"]


def test_the_moments_of_an_optimiser_lie_as_its_weights_do(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    other = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3)).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(other.parameters())
    newest_state(tmp_path).load_into(other, optimiser, RunningMean(other, 0.9))
    moment = optimiser.state[other[0].weight]["exp_avg"]
    assert moment.stride() == other[0].weight.stride() and float(moment.abs().sum()) > 0


def test_weights_that_are_tied_are_given_back_as_they_were() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    network[1].weight = network[0].weight
    mean = RunningMean(network, 0.5)
    first = network[0].weight.detach().clone()
    with torch.no_grad():
        network[0].weight += 1
    mean.update(1_000)
    with mean.in_use():
        assert torch.allclose(network[1].weight, first + 0.5)
    assert torch.equal(network[1].weight, first + 1)
    assert torch.allclose(mean.weights["1.weight"], first + 0.5)

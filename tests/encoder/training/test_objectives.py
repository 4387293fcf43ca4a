"""The two objectives, for what they promise: denials push away, equal texts are no negatives, parts add up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.multiprocessing
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize

from encoder.training.accumulation import backward
from encoder.training.concept_loss import concept_loss
from encoder.training.gradient_sum import GradientSum
from encoder.training.initial_weights import first_encoder
from encoder.training.objectives import objective_of
from encoder.training.processes import Processes, joined
from encoder.training.report_loss import report_loss
from encoder.training.sigmoid_report_loss import sigmoid_report_loss
from encoder.training.statements import DENIED, HOLDS, OTHER, UNKNOWN, Statement, Statements
from encoder.training.training_data import Example, Study
from kb.hierarchy.meaning import Meaning
from tests.support.shapes import CONFIG, SIZE

COUNT, EMBEDDING = 8, 6


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def study(texts: list[str]) -> Study:
    """A study of made-up reports: every second one affirms one of three findings and denies another."""
    findings = ["effusion", "nodule", "edema"]
    meanings = [Meaning(assertion=said, finding=finding) for finding in findings for said in ("present", "absent")]
    reports = [[Statement(2 * (n % 3), True), Statement(2 * ((n + 1) % 3) + 1, True)] for n in range(len(texts))]
    examples = [Example(f"i{n}", f"h{n}", f"p{n}", text) for n, text in enumerate(texts)]
    embeddings = np.asarray(unit(len(meanings), EMBEDDING, seed=3).numpy())
    names = [f"{'' if m.assertion == 'present' else 'no '}{m.finding}" for m in meanings]
    numbers = list(range(len(texts)))
    return Study(
        examples=examples,
        splits={"train": numbers, "validation": [], "test": []},
        statements=Statements(meanings, reports),
        concept_ids=names,
        texts=names,
        embeddings=embeddings,
    )


TEXTS = ["no effusion", "left effusion", "no effusion", "nodule", "edema", "normal chest", "no nodule", "normal chest"]


def gradients(objective: str, parts: int, processes: Processes) -> dict[str, torch.Tensor]:
    """The gradients of one batch, this process's images sent through in `parts`."""
    name, _, loss = objective.partition(" ")
    config = CONFIG.with_values({"objective": name, "report_loss": loss or "softmax"})
    made = study(TEXTS)
    encoder = first_encoder(config, made, EMBEDDING)
    pictures = torch.rand(COUNT, SIZE, SIZE, generator=torch.Generator().manual_seed(1)) * 255
    own = processes.share(list(range(COUNT)))
    summed = GradientSum(encoder, processes)
    objective_of(config, encoder, made, processes=processes, device="cpu").backward(
        encoder.image, pictures[own].split(len(own) // parts), list(range(COUNT))
    )
    summed.finish()
    return {
        name: torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        for name, parameter in encoder.named_parameters()
    }


def assert_equal(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    assert any(gradient.abs().max() > 1e-4 for gradient in wanted.values())
    for name, gradient in wanted.items():
        assert torch.allclose(found[name], gradient, atol=2e-6, rtol=1e-4), name


OBJECTIVES = ["concepts", "report", "report sigmoid"]


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("parts", [2, 8])
def test_accumulation_gives_the_gradient_of_the_large_batch(objective: str, parts: int) -> None:
    assert_equal(gradients(objective, parts, Processes()), gradients(objective, 1, Processes()))


def _one_of_two(rank: int, objective: str, folder: str) -> None:
    torch.set_num_threads(1)
    with joined("gloo", init_method=f"file://{folder}/{objective}", rank=rank, world_size=2) as processes:
        found = gradients(objective, 2, processes)
    if rank == 0:
        torch.save(found, f"{folder}/{objective}.pt")
    names = [task.joinpath("comm").read_text() for task in Path("/proc/self/task").glob("*")]
    assert not [name for name in names if "gloo" in name], "a thread that outlives its group can abort the process"


@pytest.mark.soak
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_two_processes_give_the_gradient_of_one(objective: str, tmp_path: Path) -> None:
    torch.multiprocessing.spawn(_one_of_two, (objective, str(tmp_path)), nprocs=2)
    found = torch.load(tmp_path / f"{objective}.pt", weights_only=True)
    assert_equal(found, gradients(objective, 1, Processes()))


def test_accumulation_lets_dropout_fall_the_same_way_twice() -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.5))
    parts = list(torch.randn(8, 4).split(2))

    def seen() -> tuple[torch.Tensor, list[torch.Tensor]]:
        outputs: list[torch.Tensor] = []
        net.zero_grad()
        torch.manual_seed(7)

        def tower(part: torch.Tensor) -> torch.Tensor:
            outputs.append(net(part))
            return outputs[-1]

        backward([(tower, parts)], lambda features: (features[0] ** 2).sum())
        return net[0].weight.grad.clone(), outputs

    gradient, outputs = seen()
    first, again = outputs[:4], outputs[4:]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert gradient.abs().sum() > 0


def test_a_denied_concept_is_pushed_away_and_one_that_nobody_knows_of_is_not() -> None:
    images = unit(1, 4).requires_grad_()
    concepts = unit(4, 4, seed=1)
    relation = torch.tensor([[HOLDS, DENIED, OTHER, UNKNOWN]])

    def pull(column: int, weight: float = 1.0) -> float:
        only = torch.full_like(relation, UNKNOWN)
        only[0, column] = relation[0, column]
        loss = concept_loss(5 * images @ concepts.T, only, denied_weight=weight)
        (gradient,) = torch.autograd.grad(loss, images)
        return float(-(gradient @ concepts[column]))

    assert pull(0) > 0 > pull(1)
    assert pull(2) < 0
    assert pull(3) == 0
    assert pull(1, weight=4.0) == pytest.approx(4 * pull(1), rel=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 6))
def test_the_concept_loss_is_the_mean_over_pairs(seed: int, images: int, concepts: int) -> None:
    dice = np.random.default_rng(seed)
    logits = dice.normal(0, 3, (images, concepts))
    relation = dice.choice([HOLDS, UNKNOWN, OTHER, DENIED], (images, concepts))
    expected = 0.0
    for logit, one in zip(logits.reshape(-1), relation.reshape(-1), strict=True):
        sign = 1 if one == HOLDS else -1
        weight = {UNKNOWN: 0, DENIED: 3}.get(one, 1)
        expected += weight * np.log1p(np.exp(-sign * logit)) / (images * concepts)
    found = concept_loss(torch.tensor(logits), torch.tensor(relation), denied_weight=3.0)
    assert float(found) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def loss_of(images: torch.Tensor, texts: torch.Tensor, words: list[int], plain: bool = False) -> torch.Tensor:
    return report_loss(
        images,
        texts,
        images,
        all_texts=texts,
        scale=torch.tensor(5.0),
        words=torch.tensor(words),
        equal_texts_are_negatives=plain,
    )


def test_equal_texts_are_no_negatives_of_each_other() -> None:
    images, texts = unit(3, 4), unit(3, 4, seed=1)
    texts[2] = texts[0]
    images = images.requires_grad_()
    (gradient,) = torch.autograd.grad(loss_of(images, texts, [0, 1, 0]), images)
    (plain,) = torch.autograd.grad(loss_of(images, texts, [0, 1, 0], plain=True), images)
    # What the first image hears of the third one's text, which has its own words, is only that it is its own text.
    alone = images[:2].detach().requires_grad_()
    (wanted,) = torch.autograd.grad(
        torch.nn.functional.cross_entropy(5.0 * alone[:1] @ texts[:2].T, torch.tensor([0])), alone
    )
    both_ways = 5.0 * images.detach() @ texts.T
    back = torch.softmax(both_ways[[0, 1], 0], 0)[0] - 1, torch.softmax(both_ways[:, 1], 0)[0]
    wanted_first = (wanted[0] + 5.0 * (back[0] * texts[0] + back[1] * texts[1])) / 6
    assert torch.allclose(gradient[0], wanted_first, atol=1e-6)
    assert not torch.allclose(plain[0], gradient[0], atol=1e-4)


def test_without_equal_texts_it_is_the_published_loss() -> None:
    images, texts = unit(5, 4), unit(5, 4, seed=1)
    logits = 5.0 * images @ texts.T
    own = torch.arange(5)
    published = (torch.nn.functional.cross_entropy(logits, own) + torch.nn.functional.cross_entropy(logits.T, own)) / 2
    assert loss_of(images, texts, [0, 1, 2, 3, 4]) == pytest.approx(float(published), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 12), st.booleans())
def test_the_sigmoid_loss_is_the_sum_over_pairs_however_many_texts_are_looked_at_at_once(
    seed: int, count: int, chunk: int, plain: bool
) -> None:
    dice = np.random.default_rng(seed)
    words = torch.tensor(dice.integers(0, 4, count))
    inputs = [torch.tensor(dice.normal(size=shape), requires_grad=True) for shape in ((count, 5), (count, 5), (), ())]

    def of_chunks(size: int, first: int = 0, own: int = count) -> torch.Tensor:
        images, texts, scale, bias = inputs
        return sigmoid_report_loss(
            images[first : first + own],
            texts,
            scale=scale,
            bias=bias,
            words=words,
            first=first,
            equal_texts_are_negatives=plain,
            chunk=size,
        )

    images, texts, scale, bias = (one.detach().numpy() for one in inputs)
    expected = 0.0
    for row in range(count):
        for column in range(count):
            if row == column or plain or words[row] != words[column]:
                logit = scale * images[row] @ texts[column] + bias
                expected += np.log1p(np.exp(-logit if row == column else logit)) / count
    whole = of_chunks(count)
    assert float(whole.detach()) == pytest.approx(expected, abs=1e-9)
    shares = sum(of_chunks(chunk, first, 1) for first in range(count))
    wanted = torch.autograd.grad(whole, inputs, retain_graph=True)
    for loss in (of_chunks(chunk), shares):
        assert isinstance(loss, torch.Tensor)
        assert float(loss.detach()) == pytest.approx(float(whole.detach()), abs=1e-9)
        for found, one in zip(torch.autograd.grad(loss, inputs), wanted, strict=True):
            assert torch.allclose(found, one, atol=1e-9)

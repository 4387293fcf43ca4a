"""The two objectives as what a step needs of them: gradients of a batch, and a loss to watch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np
import torch

from encoder.model.encoder import Encoder
from encoder.model.text_tower import TextTower
from encoder.training.accumulation import backward
from encoder.training.concept_loss import concept_loss
from encoder.training.config import TrainConfig
from encoder.training.embedding_rows import RowsOnDevice
from encoder.training.processes import ALONE, Processes
from encoder.training.report_loss import report_loss
from encoder.training.sigmoid_report_loss import sigmoid_report_loss
from encoder.training.statements import HOLDS, UNKNOWN
from encoder.training.training_data import Study
from kb.errors import UsageError

Vision = Callable[[torch.Tensor], torch.Tensor]
"""Pixels in, image vectors out: the image tower with its device and precision."""


Precision = Callable[[], AbstractContextManager[Any]]
"""What a forward pass runs in: autocast, or nothing."""


class Objective(Protocol):
    """What an encoder is trained for.

    Attributes:
        judged_by_auroc: whether its best epoch is that of the highest AUROC of concepts, rather than the lowest loss.
    """

    judged_by_auroc: bool

    def begin(self, examples: Sequence[int]) -> None:
        """Set what the data decides, once, before the first step."""
        ...

    def backward(self, vision: Vision, pixels: Sequence[torch.Tensor], batch: Sequence[int]) -> torch.Tensor:
        """Add this process's share of the batch's gradient to the weights; returns its share of the loss.

        Args:
            vision: the image tower.
            pixels: this process's pictures, in the parts that fit through at once.
            batch: the numbers of all examples of the batch, over all processes.
        """
        ...

    def loss(self, images: torch.Tensor, batch: Sequence[int]) -> float:
        """The loss of a batch of image vectors, without gradients: for validation."""
        ...

    def concept_vectors(self, concepts: Sequence[int]) -> torch.Tensor:
        """The vectors of concepts by their numbers, without gradients: (n, d)."""
        ...


def objective_of(
    config: TrainConfig,
    encoder: Encoder,
    study: Study,
    *,
    processes: Processes,
    device: str,
    precision: Precision = nullcontext,
) -> Objective:
    """The objective that a configuration names; a text transformer runs in the precision of the image tower."""
    if config.objective == "concepts":
        return ConceptObjective(config, encoder, study, processes=processes, device=device)
    return ReportObjective(config, encoder, study, processes=processes, device=device, precision=precision)


class ConceptObjective:
    """Images against the concepts that the reports of the batch state, through their frozen embeddings."""

    judged_by_auroc = True

    def __init__(self, config: TrainConfig, encoder: Encoder, study: Study, *, processes: Processes, device: str):
        self._config, self._encoder, self._study, self._processes = config, encoder, study, processes
        self._device = device
        if study.embeddings is None:
            raise UsageError("no report states anything that the vocabulary knows: there is nothing to train against")
        self._embeddings = RowsOnDevice(study.embeddings, device)

    def begin(self, examples: Sequence[int]) -> None:
        """Let the bias begin at the log odds of a concept that holds: what is known of every pair beforehand.

        The published -10 is for batches of tens of thousands; in a small training it would take most of the steps to
        come back from there.
        """
        relations = self._relations(list(examples)[: self._config.batch_size])[0]
        known = int((relations != UNKNOWN).sum())
        holding = int((relations == HOLDS).sum())
        odds = (holding + 1) / (known - holding + 1)
        with torch.no_grad():
            self._encoder.bias.fill_(float(torch.tensor(odds).log()))

    def backward(self, vision: Vision, pixels: Sequence[torch.Tensor], batch: Sequence[int]) -> torch.Tensor:
        """Add this process's share of the gradient, part by part: the loss is a mean over images, so parts add up.

        Every process knows all concepts of the batch; nothing has to be gathered.
        """
        concepts = self._study.statements.concepts_of(batch)
        relations, _ = self._relations(self._processes.share(list(batch)), concepts)
        total, done = torch.zeros((), device=self._device), 0
        for part in pixels:
            said = relations[done : done + len(part)]
            logits = self._logits(vision(part), concepts)
            loss = concept_loss(logits, said, images=len(batch), denied_weight=self._config.denied_weight)
            loss.backward()
            total += loss.detach()
            done += len(part)
        return total

    def loss(self, images: torch.Tensor, batch: Sequence[int]) -> float:
        """The loss of a batch, without gradients."""
        relations, concepts = self._relations(list(batch))
        with torch.no_grad():
            logits = self._logits(images, concepts)
            return float(concept_loss(logits, relations, denied_weight=self._config.denied_weight))

    def concept_vectors(self, concepts: Sequence[int]) -> torch.Tensor:
        """The vectors of concepts, without gradients."""
        with torch.no_grad():
            return self._encoder.text(self._embeddings[concepts])

    def _relations(self, examples: Sequence[int], concepts: list[int] | None = None) -> tuple[torch.Tensor, list[int]]:
        statements = self._study.statements
        chosen = statements.concepts_of(examples) if concepts is None else concepts
        relations: np.ndarray = statements.relations(examples, chosen)
        return torch.from_numpy(relations).to(self._device), chosen

    def _logits(self, images: torch.Tensor, concepts: Sequence[int]) -> torch.Tensor:
        vectors = self._encoder.text(self._embeddings[concepts])
        return self._encoder.log_scale.exp() * images @ vectors.T + self._encoder.bias


class ReportObjective:
    """Images against the texts of their reports, through a text transformer.

    It never sees a concept alone, so how well single concepts tell its images apart is no measure to stop by.
    """

    judged_by_auroc = False

    def __init__(
        self,
        config: TrainConfig,
        encoder: Encoder,
        study: Study,
        *,
        processes: Processes,
        device: str,
        precision: Precision,
    ):
        if not isinstance(encoder.text, TextTower):
            raise UsageError("the objective `report` needs an encoder with a text transformer")
        self._config, self._encoder, self._study, self._processes = config, encoder, study, processes
        self._text, self._device, self._precision = encoder.text, device, precision
        texts = [example.text for example in study.examples]
        if not all(texts):
            empty = sum(not text for text in texts)
            raise UsageError(
                f"{empty:,} of {len(texts):,} images have a report without text, which the objective `report` needs",
                need="report texts",
            )
        if config.batch_size < 2:
            raise UsageError("the objective `report` compares the images of a batch: batch_size has to be 2 or more")
        numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        self._words = torch.tensor([numbers[text] for text in texts], device=device)

    def begin(self, examples: Sequence[int]) -> None:
        """Let the bias of a sigmoid loss begin at the odds of a text to be an image's own; InfoNCE has none."""
        if self._config.report_loss == "sigmoid":
            with torch.no_grad():
                self._encoder.bias.fill_(-math.log(self._config.batch_size))

    def backward(self, vision: Vision, pixels: Sequence[torch.Tensor], batch: Sequence[int]) -> torch.Tensor:
        """Add this process's share of the gradient; features go around, with their gradients."""
        own = self._processes.share(list(batch))
        tokens, done = [], 0
        for part in pixels:
            tokens.append(self._tokens(own[done : done + len(part)]))
            done += len(part)

        def loss_of(features: list[torch.Tensor]) -> torch.Tensor:
            images, texts = features
            return self._loss(images, texts, batch, self._processes)

        return backward([(vision, pixels), (self._read, tokens)], loss_of)

    def loss(self, images: torch.Tensor, batch: Sequence[int]) -> float:
        """The loss of a batch, without gradients."""
        with torch.no_grad():
            texts = self._read(self._tokens(batch))
            return float(self._loss(images, texts, batch, ALONE))

    def concept_vectors(self, concepts: Sequence[int]) -> torch.Tensor:
        """The vectors of concepts from their words, without gradients."""
        texts = [self._study.texts[concept] for concept in concepts]
        return self._encoder.text_vectors(texts).to(self._device)

    def _read(self, tokens: torch.Tensor) -> torch.Tensor:
        with self._precision():
            vectors: torch.Tensor = self._text(tokens)
        return vectors

    def _tokens(self, examples: Sequence[int]) -> torch.Tensor:
        return self._text.tokens([self._study.examples[number].text for number in examples]).to(self._device)

    def _loss(
        self, images: torch.Tensor, texts: torch.Tensor, batch: Sequence[int], processes: Processes
    ) -> torch.Tensor:
        """This process's share of the loss of its images and texts among those of all that take part."""
        config, all_texts = self._config, processes.gather(texts)
        scale, words, first = self._encoder.log_scale.exp(), self._words[list(batch)], processes.rank * len(images)
        if config.report_loss == "sigmoid":
            return sigmoid_report_loss(
                images,
                all_texts,
                scale=scale,
                bias=self._encoder.bias,
                words=words,
                first=first,
                equal_texts_are_negatives=config.equal_texts_are_negatives,
            )
        return report_loss(
            images,
            texts,
            processes.gather(images),
            all_texts=all_texts,
            scale=scale,
            words=words,
            first=first,
            equal_texts_are_negatives=config.equal_texts_are_negatives,
        )

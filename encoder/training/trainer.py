"""`train`: an encoder against the vocabulary, to the epoch that does best on patients it was not trained on."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from encoder.devices import choose_device
from encoder.model.backbones.opening import OpenedBackbone, open_backbone
from encoder.model.checkpoint import FACTS, Checkpoint, CheckpointFacts, load_checkpoint, save_checkpoint
from encoder.model.encoder import Encoder
from encoder.training.augmentation import vary
from encoder.training.config import TrainConfig
from encoder.training.curve import draw_curve
from encoder.training.initial_weights import first_encoder
from encoder.training.log import EpochResult, TrainingLog
from encoder.training.objectives import Objective, objective_of
from encoder.training.processes import Processes, processes_of_torchrun
from encoder.training.running_mean import RunningMean
from encoder.training.schedule import rate_at
from encoder.training.state import Position, commit_of, forget_state, is_interrupted, load_state, save_state
from encoder.training.training_data import Study, read_study
from encoder.training.validation import Measured, measure
from encoder.vectors.pixels import PixelReader, PixelsInMemory, training_pixels
from kb.batched import batched
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.progress import Silent, Watcher

CURVE = "curve.png"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """What a training came to: the checkpoint of its best epoch, and all epochs of this call."""

    checkpoint: Checkpoint
    training: str
    best_epoch: int
    best: Measured
    epochs: list[EpochResult]
    images: dict[str, int]
    left_out: Mapping[str, int]
    stopped_early: bool

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        return {
            "checkpoint": str(self.checkpoint.folder),
            "encoder": self.checkpoint.encoder_id,
            "training": self.training,
            "images": self.images,
            "left_out": dict(self.left_out),
            "epochs": [epoch.to_dict() for epoch in self.epochs],
            "best_epoch": self.best_epoch,
            "stopped_early": self.stopped_early,
            "metrics": self.checkpoint.facts.metrics,
        }


def train(
    kb: KnowledgeBase,
    config: TrainConfig,
    out: Path,
    *,
    resume: bool = False,
    device: str | None = None,
    watcher: Watcher | None = None,
    on_epoch: Callable[[EpochResult], None] | None = None,
) -> TrainResult | None:
    """Train an encoder on the images of `kb` that have reports, against its vocabulary at its commit.

    The checkpoint of the best epoch so far always stands in `out`, a training-curve figure beside it, and the numbers
    of every epoch in the table `training_metrics`. Under `torchrun` every process calls this.

    Args:
        kb: the images, their reports and the vocabulary.
        config: what is trained, and how.
        out: the checkpoint's folder; refused if it holds one, unless that is an interrupted training to go on with.
        resume: go on where an interrupted training of the same configuration stopped, to the same weights.
        device: default: the GPU of this process, else the processor.
        watcher: hears of every step.
        on_epoch: hears of every epoch.

    Returns:
        What it came to; None on the processes that do not lead.

    Raises:
        UsageError: no image has a report, pixels are missing, a split is empty, `out` is taken, or the backbone does
            not take pictures of this size.
        ClearKbError: the backbone is not to be had.
        EmbeddingError: a concept that is trained against has no embedding.
    """
    chosen = choose_device(device)
    _check_folder(out, resume=resume)
    if resume and (begun := commit_of(out)) is not None:
        kb = kb.at(begun)  # what was committed since is not what it began with
    backbone = open_backbone(config.backbone_choice)
    study = read_study(kb, embedded=config.objective == "concepts", views=config.views)
    for split in ("train", "validation"):
        if not study.splits[split]:
            raise UsageError(
                f"no patient falls into the split '{split}': there are {len(study.examples)} images with reports; "
                "an attribute `split` of the images can say who is where"
            )
    pixels = training_pixels(kb, config.preprocessing, [example.content_hash for example in study.examples])
    with processes_of_torchrun(chosen) as processes:
        training = _Training(
            kb,
            config,
            out,
            backbone=backbone,
            study=study,
            pixels=pixels,
            processes=processes,
            device=chosen,
            watcher=watcher or Silent(),
        )
        return training.run(resume=resume, on_epoch=on_epoch or (lambda _: None))


def _check_folder(out: Path, *, resume: bool) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out}: no folder can be made there: {error.strerror}") from error
    if not os.access(out, os.W_OK):
        raise UsageError(f"{out} cannot be written to")
    interrupted = is_interrupted(out)
    if interrupted and not resume:
        raise UsageError(f"{out} holds an interrupted training: resume it, or name another folder", parameter="resume")
    if (out / FACTS).is_file() and not interrupted:
        what = "a finished training" if resume else "a checkpoint"
        raise UsageError(f"{out} holds {what} already: name another folder")


class _Training:
    """One training at work."""

    def __init__(
        self,
        kb: KnowledgeBase,
        config: TrainConfig,
        out: Path,
        backbone: OpenedBackbone,
        study: Study,
        pixels: PixelReader | PixelsInMemory,
        processes: Processes,
        device: str,
        watcher: Watcher,
    ):
        self.kb, self.config, self.out, self.study, self.pixels = kb, config, out, study, pixels
        self.processes, self.device, self.watcher = processes, device, watcher
        embedder = kb.embedder if config.objective == "concepts" else None
        self.embedder = embedder
        dimension = embedder.dimension if embedder else None
        self.encoder: Encoder = first_encoder(config, study, dimension, backbone).to(device)
        self.objective: Objective = objective_of(
            config, self.encoder, study, processes=processes, device=device, precision=self._precision
        )
        self._check_norms()
        self.tower = torch.compile(self.encoder.image) if config.compile else self.encoder.image
        self.optimiser = torch.optim.AdamW(self._parameter_groups(), lr=config.learning_rate)
        self.mean = RunningMean(self.encoder, config.ema)
        size = min(config.batch_size, len(study.splits["train"])) // processes.count * processes.count
        if size == 0:
            raise UsageError(f"a batch of {config.batch_size} images for {processes.count} processes")
        self.batch_size = size
        self.steps_an_epoch = len(study.splits["train"]) // size
        self.position = Position()
        self.log = TrainingLog(kb, {**config.to_dict(), "commit": kb.commit.commit_id, "processes": processes.count})

    def _check_norms(self) -> None:
        """Batch norms look at the images that go through together: these have to be the whole batch."""
        if not any(isinstance(part, torch.nn.modules.batchnorm._BatchNorm) for part in self.encoder.modules()):
            return
        if self.config.micro_batch is not None or self.processes.count > 1:
            raise UsageError(
                "this backbone has batch norms, whose statistics would be those of a part of the batch: leave "
                "micro_batch out and train in one process, or take a backbone with layer norms (convnext, dinov2, vit)"
            )

    def run(self, *, resume: bool, on_epoch: Callable[[EpochResult], None]) -> TrainResult | None:
        """All epochs from where it stands, until there are no more or none got better for long enough."""
        if resume:
            self.position = load_state(
                self.out, self.encoder, self.optimiser, mean=self.mean, made_for=self.log.made_for
            )
        else:
            self.objective.begin(self.study.splits["train"])
        if self.processes.leads:
            self.log.begin(self.position.epoch)
        entries: list[EpochResult] = []
        while self.position.epoch < self.config.epochs and not self._tired():
            result = self._epoch()
            entries.append(result)
            if self.processes.leads:
                on_epoch(result)
        if not self.processes.leads:
            return None
        forget_state(self.out)
        assert self.position.best is not None
        best = load_checkpoint(self.out)
        splits = {str(split): len(numbers) for split, numbers in self.study.splits.items() if numbers}
        return TrainResult(
            checkpoint=best,
            training=self.log.training,
            best_epoch=self.position.best_epoch,
            best=self.position.best,
            epochs=entries,
            images=splits,
            left_out=self.study.left_out,
            stopped_early=self._tired(),
        )

    def _tired(self) -> bool:
        return self.position.epoch - self.position.best_epoch >= self.config.patience

    def _epoch(self) -> EpochResult:
        started = time.perf_counter()
        position = self.position
        self.watcher.stage(f"epoch {position.epoch + 1}/{self.config.epochs}", self.steps_an_epoch)
        batches = self._batches(position.epoch)
        own = [self.processes.share(batch) for batch in batches]
        total, rate = torch.zeros((), device=self.device), 0.0
        for number, (batch, pixels) in enumerate(
            zip(batches, self.pixels.batches(self._contents(own)), strict=True), 1
        ):
            rate = self.config.learning_rate * rate_at(position.step, self._steps(), self.config.warmup)
            total += self.processes.sum(self._step(batch, pixels, rate))
            self.watcher.advance(number, number * self.batch_size)
        position.epoch += 1
        took = time.perf_counter() - started
        measured: Measured = self.processes.share_object(self._measure() if self.processes.leads else None)
        if not math.isfinite(float(total)) or not math.isfinite(measured.loss):
            raise ClearKbError(
                f"the loss is no number after epoch {position.epoch}: lower learning_rate "
                f"(now {self.config.learning_rate:g}), or look at the augmentation; what was best before is kept"
            )
        is_best = measured.better_than(position.best, by_auroc=self.objective.judged_by_auroc)
        if is_best:
            position.best, position.best_epoch = measured, position.epoch
        result = EpochResult(
            epoch=position.epoch,
            step=position.step,
            loss=float(total) / len(batches),
            validation_loss=measured.loss,
            validation_auroc=measured.auroc,
            learning_rate=rate,
            images_per_second=len(batches) * self.batch_size / took,
            best=is_best,
        )
        if self.processes.leads:
            self._keep(result)
        return result

    def _step(self, batch: list[int], pixels: np.ndarray, rate: float) -> torch.Tensor:
        """One optimiser step; returns this process's share of the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        seed = hash((self.config.seed, self.position.step, self.processes.rank)) % 2**31
        torch.manual_seed(seed)  # of dropout and the like: a training taken up again throws the same dice
        pictures = vary(torch.from_numpy(pixels).to(self.device), self.config.augment, seed)
        parts = pictures.split(self.config.micro_batch or len(pictures))
        loss = self.objective.backward(self._vision, parts, batch)
        self.processes.sum_gradients(self.encoder.parameters())
        torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), self.config.gradient_clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.position.step += 1
        self.mean.update(self.position.step)
        return loss

    def _vision(self, pixels: torch.Tensor) -> torch.Tensor:
        with self._precision():
            vectors: torch.Tensor = self.tower(pixels)
        return vectors

    def _precision(self) -> AbstractContextManager[Any]:
        kind = self.device.split(":")[0]
        chosen = self.config.precision
        if chosen == "bfloat16" or (chosen == "auto" and kind == "cuda"):
            return torch.autocast(kind, torch.bfloat16)
        return nullcontext()

    def _measure(self) -> Measured:
        """How the mean weights do on the validation patients."""
        examples = self.study.splits["validation"]
        size = self.config.micro_batch or self.batch_size
        chunks = list(batched(examples, size))
        self.encoder.eval()
        with self.mean.in_use(), torch.no_grad():
            vectors = [
                self._vision(torch.from_numpy(pixels).to(self.device))
                for pixels in self.pixels.batches(self._contents(chunks))
            ]
            measured = measure(self.objective, self.study, examples, images=torch.cat(vectors), batch=self.batch_size)
        self.encoder.train()
        return measured

    def _keep(self, result: EpochResult) -> None:
        """Write what an epoch came to: the best encoder, the numbers, the figure, and the state to go on from."""
        self.log.add(result)
        if result.best:
            with self.mean.in_use():
                save_checkpoint(self.out, self.encoder, self._facts(result))
        draw_curve(self.log.read(), self.out / CURVE, self.position.best_epoch)
        save_state(
            self.out, self.position, self.encoder, optimiser=self.optimiser, mean=self.mean, made_for=self.log.made_for
        )

    def _facts(self, result: EpochResult) -> CheckpointFacts:
        measured = {"validation_loss": result.validation_loss, "epoch": float(result.epoch)}
        if result.validation_auroc is not None:
            measured["validation_auroc"] = result.validation_auroc
        return CheckpointFacts(
            objective=self.config.objective,
            architecture=self.encoder.architecture.to_dict(),
            preprocessing=self.config.preprocessing.to_dict(),
            embedder=self.embedder.embedder_id if self.embedder else None,
            embedder_dimension=self.embedder.dimension if self.embedder else None,
            vocabulary_commit=self.kb.commit.commit_id,
            metrics=measured,
            training=self.config.to_dict(),
        )

    def _batches(self, epoch: int) -> list[list[int]]:
        """The examples of an epoch in batches of one size; what is left over comes in another epoch's order."""
        train = self.study.splits["train"]
        dice = torch.Generator().manual_seed(hash((self.config.seed, epoch)) % 2**31)
        order = [train[number] for number in torch.randperm(len(train), generator=dice).tolist()]
        return [order[i * self.batch_size : (i + 1) * self.batch_size] for i in range(self.steps_an_epoch)]

    def _contents(self, batches: Sequence[Sequence[int]]) -> list[list[str]]:
        return [[self.study.examples[number].content_hash for number in batch] for batch in batches]

    def _steps(self) -> int:
        return self.steps_an_epoch * self.config.epochs

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """Matrices decay; biases, norms and the scale do not."""
        named = [parameter for parameter in self.encoder.parameters() if parameter.requires_grad]
        return [
            {"params": [p for p in named if p.ndim >= 2], "weight_decay": self.config.weight_decay},
            {"params": [p for p in named if p.ndim < 2], "weight_decay": 0.0},
        ]

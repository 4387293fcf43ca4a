"""`train`: an encoder against the vocabulary, to the epoch that does best on patients it was not trained on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from encoder.devices import choose_device, to_device
from encoder.model.backbones.opening import OpenedBackbone, open_backbone
from encoder.model.checkpoint import load_checkpoint, save_checkpoint
from encoder.model.encoder import Encoder
from encoder.training.augmentation import vary
from encoder.training.beginning import Beginning
from encoder.training.checkpoint_facts import facts_of
from encoder.training.checkpoint_folder import check_folder
from encoder.training.config import TrainConfig
from encoder.training.curve import draw_curve
from encoder.training.freezing import to_training
from encoder.training.gradient_sum import GradientSum
from encoder.training.initial_weights import first_encoder
from encoder.training.log import EpochResult, TrainingLog
from encoder.training.lora import merged_encoder, require_peft
from encoder.training.objectives import Objective, objective_of
from encoder.training.optimiser import adamw, update
from encoder.training.order import fitting_size, shuffled
from encoder.training.origin import Origin, origin_of
from encoder.training.processes import Processes, is_restarted, processes_of_torchrun
from encoder.training.running_mean import RunningMean
from encoder.training.schedule import rate_at
from encoder.training.state import Position, State, forget_states, is_interrupted, newest_state
from encoder.training.state_keeper import StateKeeper
from encoder.training.stopping import StopSignal, listening
from encoder.training.towers import autocast, precision_of, prepare_towers
from encoder.training.tracking.choice import check_trackers
from encoder.training.tracking.step_log import StepLog
from encoder.training.tracking.step_log_of import step_log_of
from encoder.training.tracking.tracker import Tracked
from encoder.training.train_result import TrainResult
from encoder.training.training_data import Study, read_study
from encoder.training.validation import Measured, measure, require_numbers
from encoder.vectors.pixels import PixelReader, PixelsInMemory, training_pixels
from kb.batched import batched
from kb.cores import threads
from kb.knowledge_base import KnowledgeBase
from kb.progress import Silent, Watcher

CURVE = "curve.png"


def train(
    kb: KnowledgeBase,
    config: TrainConfig,
    out: Path,
    *,
    resume: bool = False,
    device: str | None = None,
    track: Sequence[str] = (),
    watcher: Watcher | None = None,
    on_begin: Callable[[Beginning], None] | None = None,
    on_epoch: Callable[[EpochResult], None] | None = None,
) -> TrainResult | None:
    """Train an encoder on the images of `kb` that have reports, against its vocabulary at its commit.

    The checkpoint of the best epoch so far always stands in `out`, a training-curve figure and the numbers of every
    step (`steps.csv`) beside it, and those of every epoch in the table `training_metrics`. Under `torchrun` every
    process calls this.

    Args:
        kb: the images, their reports and the vocabulary.
        config: what is trained, and how.
        out: the checkpoint's folder; refused if it holds one, unless that is an interrupted training to go on with.
        resume: go on where an interrupted training of the same configuration stopped, to the same weights.
        device: default: the GPU of this process, else the processor.
        track: trackers that hear of every step too: tensorboard, wandb, mlflow.
        watcher: hears of every step.
        on_begin: hears where the weights come from, before the first step.
        on_epoch: hears of every epoch.

    Returns:
        What it came to; None on the processes that do not lead.

    Raises:
        UsageError: no image has a report, pixels are missing, a split is empty, `out` is taken, a tracker or peft is
            not installed, the backbone does not take pictures of this size, or a part is to be frozen that would stay
            random.
        ClearKbError: the backbone is not to be had.
        EmbeddingError: a concept that is trained against has no embedding.
    """
    chosen = choose_device(device)
    check_trackers(track)
    if config.lora is not None:
        require_peft()
    with processes_of_torchrun(chosen) as processes:
        resume = resume or (is_restarted() and processes.as_leader_finds(lambda: is_interrupted(out)))
        check_folder(out, resume=resume)
        state = processes.as_leader_finds(lambda: newest_state(out)) if resume else None
        if state is not None:
            kb = kb.at(state.made_for["commit"])  # what was committed since is not what it began with
        origin = origin_of(config, kb.embedder if config.objective == "concepts" else None)
        backbone = open_backbone(config.backbone_choice) if config.start is None else None
        origin = replace(origin, revision=backbone.revision if backbone else None)
        # A checkpoint is what it holds, wherever it lies.
        start = origin.source if config.start else None
        made_for = {**config.identity(), "start": start, "commit": kb.commit.commit_id, "processes": processes.count}
        made_for |= {"precision": precision_of(config.precision, chosen), "device": chosen.split(":")[0]}
        if state is not None:
            state.require(made_for)
        study = read_study(
            kb, embedded=config.objective == "concepts", views=config.views, where=config.where, processes=processes
        )
        study.require_splits("train", "validation")
        pixels = training_pixels(kb, config.preprocessing, [example.content_hash for example in study.examples])
        training = _Training(
            kb,
            config,
            out,
            origin=origin,
            backbone=backbone,
            study=study,
            pixels=pixels,
            processes=processes,
            device=chosen,
            watcher=watcher or Silent(),
            log=TrainingLog(kb, made_for),
        )
        with listening(processes) as stop, threads(state.threads) if state is not None else nullcontext():
            return training.run(
                state,
                stop=stop,
                track=track,
                on_begin=on_begin or (lambda _: None),
                on_epoch=on_epoch or (lambda _: None),
            )


class _Training:
    """One training at work."""

    def __init__(
        self,
        kb: KnowledgeBase,
        config: TrainConfig,
        out: Path,
        *,
        origin: Origin,
        backbone: OpenedBackbone | None,
        study: Study,
        pixels: PixelReader | PixelsInMemory,
        processes: Processes,
        device: str,
        watcher: Watcher,
        log: TrainingLog,
    ):
        self.kb, self.config, self.out, self.study, self.pixels = kb, config, out, study, pixels
        self.processes, self.device, self.watcher, self.log = processes, device, watcher, log
        self.origin = origin
        embedder = kb.embedder if config.objective == "concepts" else None
        dimension = embedder.dimension if embedder else None
        self.encoder: Encoder = first_encoder(config, study, dimension, origin, backbone=backbone).to(device)
        self.precision = partial(autocast, config.precision, device)
        self.objective: Objective = objective_of(
            config, self.encoder, study, processes=processes, device=device, precision=self.precision
        )
        prepare_towers(self.encoder, config, device=device, processes=processes.count)
        self.optimiser = adamw(self.encoder, config)
        self.gradients = GradientSum(self.encoder, processes)
        self.mean = RunningMean(self.encoder, config.ema)
        self.batch_size = fitting_size(config.batch_size, len(study.splits["train"]), processes.count)
        self.steps_an_epoch = len(study.splits["train"]) // self.batch_size
        self.position = Position()
        self.states = StateKeeper(
            out,
            config,
            processes,
            network=self.encoder,
            optimiser=self.optimiser,
            mean=self.mean,
            made_for=log.made_for,
            before=self._flush,
        )
        self.steps: StepLog | None = None

    def run(
        self,
        state: State | None,
        *,
        stop: StopSignal,
        track: Sequence[str],
        on_begin: Callable[[Beginning], None],
        on_epoch: Callable[[EpochResult], None],
    ) -> TrainResult | None:
        """All epochs from where it stands, until there are no more or none got better for long enough."""
        if state is not None:
            self.position = state.load_into(self.encoder, self.optimiser, self.mean)
        elif "scale" in self.origin.new:
            self.objective.begin(self.study.splits["train"])
        if state is None and self.processes.leads:
            # From here on it can be gone on with: a checkpoint without a state would be a finished training.
            self.states.save(self.position)
        started = self.origin.checkpoint is not None and state is None
        beginning = Beginning.of(self.encoder, self.origin, measured=self._measure() if started else None)
        entries: list[EpochResult] = []
        with ExitStack() as stack:
            if self.processes.leads:
                self.log.begin(self.position.epoch)
                on_begin(beginning)
                self.steps = stack.enter_context(closing(self._step_log(track)))
            while self.position.epoch < self.config.epochs and not self._tired():
                result = self._epoch(stop)
                entries.append(result)
                if self.processes.leads:
                    on_epoch(result)
                if self.position.epoch < self.config.epochs and not self._tired():
                    self.states.end_if_told(self.position, stop, steps=self._steps())
        if not self.processes.leads:
            return None
        forget_states(self.out)
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
            beginning=beginning,
        )

    def _step_log(self, track: Sequence[str]) -> StepLog:
        return step_log_of(
            self.encoder,
            self.config,
            tracked=Tracked(
                training=self.log.training, folder=self.out, settings=self.log.made_for, step=self.position.step
            ),
            track=track,
            images=self.batch_size,
            processes=self.processes.count,
            device=self.device,
        )

    def _tired(self) -> bool:
        return self.position.epoch - self.position.best_epoch >= self.config.patience

    def _epoch(self, stop: StopSignal) -> EpochResult:
        started = time.perf_counter()
        position = self.position
        self.watcher.stage(f"epoch {position.epoch + 1}/{self.config.epochs}", self.steps_an_epoch)
        done = position.step - position.epoch * self.steps_an_epoch
        batches = shuffled(self.study.splits["train"], self.batch_size, (self.config.seed, position.epoch))[done:]
        own = [self.processes.share(batch) for batch in batches]
        total, rate = torch.tensor(position.sums.get("loss", 0.0), device=self.device), 0.0
        if self.steps:
            self.steps.begin()
        for number, (batch, pixels) in enumerate(zip(batches, self._pixels(own), strict=True), done + 1):
            rate = self.config.learning_rate * rate_at(position.step, self._steps(), self.config.warmup)
            loss, norm = self._step(batch, pixels, rate)
            loss = stop.sum(loss)
            total += loss
            if self.steps:
                self.steps.add(
                    position.step, position.epoch + 1, rate=rate, loss=loss, gradient_norm=norm, encoder=self.encoder
                )
            self.watcher.advance(number, number * self.batch_size)
            if number < self.steps_an_epoch:
                self.states.between_steps(position, {"loss": total}, stop, steps=self._steps())
        position.epoch += 1
        position.sums = {}
        took = time.perf_counter() - started
        measured = self._measure()
        require_numbers(float(total), measured.loss, epoch=position.epoch, rate=self.config.learning_rate)
        is_best = position.take(measured, by_auroc=self.objective.judged_by_auroc)
        result = EpochResult(
            epoch=position.epoch,
            step=position.step,
            loss=float(total) / self.steps_an_epoch,
            validation_loss=measured.loss,
            validation_auroc=measured.auroc,
            learning_rate=rate,
            images_per_second=len(batches) * self.batch_size / took,
            best=is_best,
            steps=self.steps.means(position.epoch) if self.steps else None,
        )
        if self.processes.leads:
            self._keep(result)
        return result

    def _step(self, batch: list[int], pixels: torch.Tensor, rate: float) -> tuple[torch.Tensor, torch.Tensor]:
        """One optimiser step; returns this process's share of the loss, and the norm of the whole gradient."""
        seed = hash((self.config.seed, self.position.step, self.processes.rank)) % 2**31
        torch.manual_seed(seed)  # of dropout and the like: a training taken up again throws the same dice
        pictures = vary(pixels, self.config.augment, seed)
        parts = pictures.split(self.config.micro_batch or len(pictures))
        loss = self.objective.backward(self._vision, parts, batch)
        self.gradients.finish()
        norm = update(self.encoder, self.optimiser, rate=rate, clip=self.config.gradient_clip)
        self.gradients.clear()
        self.position.step += 1
        self.mean.update(self.position.step)
        return loss, norm

    def _vision(self, pixels: torch.Tensor) -> torch.Tensor:
        with self.precision():
            vectors: torch.Tensor = self.encoder.image(pixels)
        return vectors

    def _measure(self) -> Measured:
        """How the mean weights do on the validation patients, each process encoding its part of their images."""
        examples = self.study.splits["validation"]
        chunks = list(batched(self.processes.part(examples), self.config.micro_batch or self.batch_size))
        self.encoder.eval()
        with self.mean.in_use(), torch.no_grad():
            own = [torch.empty(0, self.config.dimension, device=self.device), *map(self._vision, self._pixels(chunks))]
            images = self.processes.gather_parts(torch.cat(own), len(examples))
            measured = measure(
                self.objective, self.study, examples, images=images, batch=self.batch_size, processes=self.processes
            )
        to_training(self.encoder)
        return measured

    def _keep(self, result: EpochResult) -> None:
        """Write what an epoch came to: the best encoder, the state to go on from, the numbers and the figure."""
        self.log.add(result)
        if self.steps:
            self.steps.validated(result.step, result.validation_loss, result.validation_auroc)
        if result.best:
            facts = facts_of(
                self.kb, self.config, self.encoder, result=result, origin=self.origin, made_for=self.log.made_for
            )
            with self.mean.in_use():
                save_checkpoint(self.out, merged_encoder(self.encoder), facts)
        self.states.save(self.position)
        draw_curve(self.log.read(), self.out / CURVE, self.position.best_epoch)

    def _flush(self) -> None:
        """What is told of a step must not be lost where its state is kept."""
        if self.steps:
            self.steps.flush()

    def _pixels(self, batches: Sequence[Sequence[int]]) -> Iterator[torch.Tensor]:
        """The pixels of batches of examples, read ahead, on the device."""
        contents = [[self.study.examples[number].content_hash for number in batch] for batch in batches]
        for pixels in self.pixels.batches(contents, self.config.reader_threads):
            yield to_device(pixels, self.device)

    def _steps(self) -> int:
        return self.steps_an_epoch * self.config.epochs

"""Checkpoints: a folder with an encoder's weights as safetensors, and JSON that says what they are.

    encoder.json  weights.safetensors  tokenizer.json (of a text transformer)

Loading checks all of it: the weights are those the JSON was written for (SHA-256), every tensor fits the architecture,
none is missing, and what the caller expects of it holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import blake2b, file_digest
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from encoder.model.architecture import Architecture
from encoder.model.facts_check import check_facts
from encoder.space.text_side import LinearTextSide, TextSide, TransformerTextSide
from kb.errors import ClearKbError, UsageError
from kb.images.preprocessing import Preprocessing
from kb.reading.json_text import read_json_file
from kb.reading.shown import shown
from kb.store.storage import first_line
from schemas.terms import FROZEN

if TYPE_CHECKING:
    from encoder.model.encoder import Encoder

FACTS, WEIGHTS, TOKENIZER = "encoder.json", "weights.safetensors", "tokenizer.json"
FORMAT = 1
LONGEST = 300
"""Letters of a reason that are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFacts:
    """What is known of an encoder beside its weights.

    Attributes:
        objective: what it was trained for; "imported" where it came from elsewhere, "frozen" of a bare backbone.
        architecture: see `encoder.model.architecture`.
        preprocessing: how pixels are made; see `kb.images.preprocessing`.
        embedder: the embedder (its id) whose embeddings a linear text side reads; None for a transformer.
        embedder_dimension: the numbers of such an embedding.
        vocabulary_commit: the commit that it was trained at.
        metrics: what was measured, by name.
        training: the configuration of the training, as it was run; of a frozen backbone which it is.
        code: the version of clear-kb that wrote it.
        weights_sha256: of the weights' file.
        tokenizer_sha256: of a text transformer's tokenizer.
    """

    objective: str
    architecture: dict[str, Any]
    preprocessing: dict[str, Any]
    embedder: str | None = None
    embedder_dimension: int | None = None
    vocabulary_commit: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    weights_sha256: str = ""
    tokenizer_sha256: str | None = None
    format: int = FORMAT


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """An encoder and what is known of it, as they stand in a folder."""

    folder: Path
    encoder: Encoder
    facts: CheckpointFacts

    @property
    def encoder_id(self) -> str:
        """The identity of its image vectors: a hash of weights, architecture and preprocessing."""
        return encoder_id(self.facts)

    @property
    def preprocessing(self) -> Preprocessing:
        """How the pixels it reads are made."""
        return Preprocessing(**self.facts.preprocessing)

    @property
    def text_side(self) -> TextSide:
        """Its text side, for concepts; UsageError if it is a frozen backbone, which has none."""
        self.check_text_side()
        text: Any = self.encoder.text
        if self.facts.architecture["text"]["kind"] == "linear":
            return LinearTextSide(text.weight.detach().float().cpu().numpy())
        return TransformerTextSide(self.encoder, "T" + self.encoder_id[1:])

    def check_text_side(self) -> None:
        """Refuse a frozen backbone where sentences or concepts are read in the encoder's own space (UsageError)."""
        if self.facts.architecture["text"]["kind"] == "none":
            raise UsageError(
                f"encoder {self.encoder_id} is the frozen backbone {self.facts.training.get('backbone')}: it has no "
                "text side, so that no sentence and no concept has a vector in its space",
                parameter="encoder",
            )


def encoder_id(facts: CheckpointFacts) -> str:
    """The identity of an encoder's image vectors: a hash of weights, architecture and preprocessing."""
    made_of = [facts.weights_sha256, facts.tokenizer_sha256, facts.architecture, facts.preprocessing]
    said = json.dumps(made_of, sort_keys=True)
    return "N" + blake2b(said.encode(), digest_size=6).hexdigest()


def described(facts: CheckpointFacts) -> dict[str, Any]:
    """How the vectors of a checkpoint come about: the preprocessing and, of a frozen backbone, which it is."""
    if facts.objective != FROZEN:
        return facts.preprocessing
    image = facts.architecture["image"]
    read = {"pooling": image.get("pooling", "pooler"), "mean": image["mean"], "deviation": image["deviation"]}
    return {**facts.preprocessing, **facts.training, **read}


def save_checkpoint(folder: Path, encoder: Encoder, facts: CheckpointFacts) -> Checkpoint:
    """Write an encoder to a folder, in place of an earlier one: all is written aside before any of it is moved."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    fresh = {name: folder / f"new-{name}" for name in (WEIGHTS, TOKENIZER, FACTS)}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in encoder.state_dict().items()}
    save_file(tensors, fresh[WEIGHTS])
    fresh[WEIGHTS].chmod((folder.stat().st_mode & 0o666) | 0o600)  # safetensors lets nobody else read it
    tokenizer = None
    if encoder.tokenizer is not None:
        encoder.tokenizer.save(str(fresh[TOKENIZER]))
        tokenizer = _sha256(fresh[TOKENIZER])
    written = replace(facts, weights_sha256=_sha256(fresh[WEIGHTS]), tokenizer_sha256=tokenizer, code=code_version())
    fresh[FACTS].write_text(json.dumps(asdict(written), indent=2) + "\n", encoding="utf-8")
    for name, path in fresh.items():
        if path.exists():
            path.replace(folder / name)
    return Checkpoint(folder, encoder, written)


def read_facts(folder: Path) -> CheckpointFacts:
    """What is known of the encoder in a folder, without its weights.

    Raises:
        UsageError: there is no checkpoint.
        ClearKbError: it is broken, or of another format.
    """
    path = folder / FACTS
    if not path.is_file():
        raise UsageError(f"{folder} is no checkpoint: it has no {FACTS}", need="checkpoint")
    try:
        stated = read_json_file(path)
    except UsageError as error:  # the folder was named rightly: what lies in it is broken
        raise ClearKbError(str(error)) from error
    if isinstance(stated, dict) and "format" in stated and stated["format"] != FORMAT:
        raise ClearKbError(f"{path} is of format {shown(stated['format'])}, this clear-kb reads format {FORMAT}")
    check_facts(stated, str(path))
    known = {known.name for known in fields(CheckpointFacts)}
    return CheckpointFacts(**{name: value for name, value in stated.items() if name in known})


def load_checkpoint(folder: Path, *, expect: Mapping[str, Any] | None = None, device: str = "cpu") -> Checkpoint:
    """The encoder that stands in a folder, checked, in evaluation mode.

    Args:
        folder: where.
        expect: facts that have to hold: {"embedder": ..., "preprocessing": ...}.
        device: where its weights go.

    Raises:
        UsageError: there is no checkpoint.
        ClearKbError: it is broken or incomplete, or a fact is another; the message says which.
    """
    from safetensors.torch import load_file

    facts = read_facts(folder)
    for name, value in (expect or {}).items():
        if getattr(facts, name) != value:
            raise ClearKbError(f"the checkpoint in {folder} is of {name} {getattr(facts, name)}, not {value}")
    for name, known in ((WEIGHTS, facts.weights_sha256), (TOKENIZER, facts.tokenizer_sha256)):
        path = folder / name
        if known is not None and (not path.is_file() or _sha256(path) != known):
            raise ClearKbError(f"{path} is missing or not the file that {FACTS} was written for: its SHA-256 differs")
    weights = folder / WEIGHTS
    try:
        tensors = load_file(weights)
    except (OSError, SafetensorError) as error:
        raise ClearKbError(f"{weights} cannot be read: {error}") from error
    architecture, tokenizer = Architecture.from_dict(facts.architecture), _tokenizer(folder, facts)
    encoder = _built(folder, architecture, tokenizer, tensors)
    encoder.load_state_dict(tensors, strict=True)
    return Checkpoint(folder, encoder.to(device).eval(), facts)


def _built(folder: Path, architecture: Architecture, tokenizer: Any, tensors: Mapping[str, Any]) -> Encoder:
    """The encoder of an architecture, with random weights; whatever does not fit it is told with the file's name.

    Where that can be, it is built without numbers first: one that the weights do not fit takes no memory.
    """
    import torch

    from encoder.model.encoder import Encoder

    for device in ("meta", "cpu"):
        try:
            with torch.device(device):
                encoder = Encoder(architecture, tokenizer)
        except ClearKbError as error:
            raise ClearKbError(f"{folder / FACTS}: {error}") from error
        except Exception as error:
            if device == "meta":
                continue  # some networks look at numbers while they are built: for them the bounds have to do
            reason = f"{type(error).__name__}: {first_line(error)}"[:LONGEST]
            raise ClearKbError(f"{folder / FACTS}: its architecture cannot be built: {reason}") from error
        _fit(folder / WEIGHTS, encoder, tensors)
    return encoder


def code_version() -> str:
    """The version of clear-kb."""
    return version("clear-kb")


def _fit(path: Path, encoder: Encoder, tensors: Mapping[str, Any]) -> None:
    wanted = encoder.state_dict()
    problems = [f"{name} is missing" for name in wanted if name not in tensors]
    problems += [f"{name} is unknown" for name in tensors if name not in wanted]
    problems += [
        f"{name} is {tuple(tensors[name].shape)}, not {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in tensors and tensors[name].shape != tensor.shape
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise ClearKbError(f"{path} does not fit its architecture: {'; '.join(problems[:3])}{more}")


def _tokenizer(folder: Path, facts: CheckpointFacts) -> Any:
    if facts.architecture["text"]["kind"] != "transformer":
        return None
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(folder / TOKENIZER))
    except Exception as error:  # tokenizers raises no class of its own
        raise ClearKbError(f"{folder / TOKENIZER} cannot be read: {error}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()

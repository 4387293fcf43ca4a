"""The published release: the same vectors as its equations, the same tokens, and a clear word on every wrong file."""

from __future__ import annotations

import pickle
import subprocess
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from encoder.model.checkpoint import Checkpoint, load_checkpoint
from encoder.release.clip_tokenizer import byte_letters
from encoder.release.importing import import_release
from kb.errors import ClearKbError, UsageError
from kb.images.preprocessing import Preprocessing
from tests.support.clip_merges import END, MERGES, START, written
from tests.support.plain_release import State, image_features, image_vectors, random_release, text_vectors

TEXTS = ["no effusion", "Lung", "", "no " * 40, "lung's 12 (L>R)"]
SMALL = Preprocessing(112)


@pytest.fixture
def merges(tmp_path: Path) -> Path:
    return written(tmp_path / "merges.txt", MERGES)


@pytest.fixture
def published(tmp_path: Path) -> Callable[..., Path]:
    """Writes a state dict as a file like the published one."""

    def write(held: Any, name: str = "best_model.pt") -> Path:
        torch.save(held, tmp_path / name)
        return tmp_path / name

    return write


def differences(checkpoint: Checkpoint, state: State, pixels: torch.Tensor, texts: list[str]) -> dict[str, float]:
    """How far the imported encoder is from the equations, at most, over all numbers."""
    encoder = checkpoint.encoder
    text: Any = encoder.text
    with torch.inference_mode():
        features = encoder.image.features(pixels)
        projected = encoder.image.projection(features)
        units = encoder.image(pixels)
        read = text.model(input_ids=text.tokens(texts)).text_embeds
    rows = [encoded.ids for encoded in text.tokenizer.encode_batch(texts)]
    plain = image_features(state, pixels)
    plain_projected, plain_text = image_vectors(state, plain), text_vectors(state, rows)
    pairs = {
        "class token": (features, plain),
        "image": (projected, plain_projected),
        "unit image": (units, plain_projected / plain_projected.norm(dim=1, keepdim=True)),
        "text": (read, plain_text),
        "unit text": (encoder.text_vectors(texts), plain_text / plain_text.norm(dim=1, keepdim=True)),
    }
    return {name: float((ours.double() - theirs).abs().max()) for name, (ours, theirs) in pairs.items()}


def random_pixels(size: int, count: int = 2) -> torch.Tensor:
    return torch.randint(0, 256, (count, size, size), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


@pytest.mark.parametrize(
    ("made", "size"),
    [
        ({}, 112),
        ({}, 448),
        ({}, 518),
        ({"width": 192, "patch": 7, "grid": 5, "text_width": 128, "dimension": 40}, 56),
        ({"faint": 1e-3, "grid": 8}, 112),
    ],
    ids=["fewer patches", "published size", "the file's own grid", "more patches", "where epsilon matters"],
)
def test_vectors_are_those_of_the_equations(
    tmp_path: Path, published: Callable[..., Path], merges: Path, made: dict[str, Any], size: int
) -> None:
    state = random_release(**made)
    import_release(published(state), tmp_path / "clear", merges, preprocessing=Preprocessing(size))
    loaded = load_checkpoint(tmp_path / "clear")
    far = differences(loaded, state, random_pixels(size), TEXTS)
    assert max(far.values()) < 1e-4, far
    assert loaded.encoder.log_scale.item() == float(state["logit_scale"])
    assert loaded.encoder.bias.item() == 0.0


def test_the_equations_tell_images_and_texts_apart(published: Callable[..., Path]) -> None:
    state = random_release()
    vectors = torch.nn.functional.normalize(image_vectors(state, image_features(state, random_pixels(112))), dim=1)
    assert float((vectors[0] - vectors[1]).abs().max()) > 1e-2
    first, second = text_vectors(state, [[START, 1, 2, END], [START, 2, 1, END]])
    assert float((first - second).abs().max()) > 1e-2


@pytest.mark.soak
def test_the_real_size(tmp_path: Path, published: Callable[..., Path]) -> None:
    """ViT-B/14 at 448 pixels with CLIP's text transformer of 49,408 tokens."""
    state = random_release(
        width=768, layers=12, text_width=512, text_layers=12, vocabulary=49_408, context=77, dimension=768
    )
    import_release(published(state), tmp_path / "clear", made_up_merges(tmp_path))
    far = differences(load_checkpoint(tmp_path / "clear"), state, random_pixels(448), [*TEXTS, "chest " * 100])
    print(far)
    assert max(far.values()) < 1e-4, far


def made_up_merges(folder: Path, count: int = 48_894) -> Path:
    """As many merges as the real file has: of letters, and of what those became."""
    letters = byte_letters()[:222]
    pairs = [f"{first} {second}" for first in letters for second in letters]
    return written(folder / "many.txt", pairs[:count])


def test_what_the_checkpoint_says(tmp_path: Path, published: Callable[..., Path], merges: Path) -> None:
    source = published(random_release())
    facts = import_release(source, tmp_path / "clear", merges, preprocessing=SMALL).facts
    image, text = facts.architecture["image"], facts.architecture["text"]
    assert (facts.objective, facts.embedder, facts.preprocessing) == ("imported", None, {"size": 112, "fit": "pad"})
    assert (image["mean"], image["deviation"], image["dimension"]) == (101.48761, 83.43944, 96)
    assert (image["backbone"]["image_size"], image["backbone"]["layer_norm_eps"]) == (112, 1e-6)
    assert (text["context"], text["transformer"]["hidden_act"]) == (16, "quick_gelu")
    assert (text["transformer"]["eos_token_id"], text["transformer"]["layer_norm_eps"]) == (END, 1e-5)
    assert facts.training["source"] == "best_model.pt" and len(facts.training["sha256"]) == 64


def test_the_same_file_gives_the_same_encoder(tmp_path: Path, published: Callable[..., Path], merges: Path) -> None:
    source = published(random_release())
    first, second = (import_release(source, tmp_path / name, merges, preprocessing=SMALL) for name in ("one", "two"))
    assert first.encoder_id == second.encoder_id
    with pytest.raises(UsageError, match="holds a checkpoint already"):
        import_release(source, tmp_path / "one", merges, preprocessing=SMALL)


def test_wrapped_prefixed_and_half_precision_files_are_the_same_encoder(
    tmp_path: Path, published: Callable[..., Path], merges: Path
) -> None:
    half = {name: tensor.half() for name, tensor in random_release().items()}
    wrapped = {"epoch": 3, "state_dict": OrderedDict((f"module.{name}", tensor) for name, tensor in half.items())}
    full = {name: tensor.float() for name, tensor in half.items()}
    ids = {
        import_release(published(held, name), tmp_path / name[:-3], merges, preprocessing=SMALL).encoder_id
        for name, held in {"half.pt": half, "wrapped.pt": wrapped, "full.pt": full}.items()
    }
    assert len(ids) == 1
    kept = load_checkpoint(tmp_path / "half").encoder.state_dict().values()
    assert {tensor.dtype for tensor in kept} == {torch.float32}


def test_the_mask_token_may_be_missing_and_is_never_kept(
    tmp_path: Path, published: Callable[..., Path], merges: Path
) -> None:
    state = random_release()
    del state["visual.base.mask_token"]
    checkpoint = import_release(published(state), tmp_path / "clear", merges, preprocessing=SMALL)
    assert not [name for name in checkpoint.encoder.state_dict() if "mask_token" in name]


def broken(change: Callable[[State], Any]) -> Any:
    state = random_release()
    changed = change(state)
    return state if changed is None else changed


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: s.__delitem__("ln_final.bias"), "ln_final.bias is missing"),
        (lambda s: s.__delitem__("visual.base.pos_embed"), "visual.base.pos_embed is missing"),
        (lambda s: s.update({"visual.base.register_tokens": torch.zeros(1, 4, 128)}), "register_tokens is unknown"),
        (lambda s: s.update(ln_final=torch.zeros(3)), "ln_final is unknown"),
        (lambda s: s.update(text_projection=torch.zeros(96, 64)), r"text_projection is \(96, 64\), not \(64, 96\)"),
        (lambda s: s.update({"visual.base.pos_embed": torch.zeros(1, 8, 128)}), "7 patches, which are no square"),
        (lambda s: s.update({"token_embedding.weight": torch.zeros(5)}), "token_embedding.weight has 1 axes, not 2"),
        (lambda s: s.update(logit_scale=torch.tensor(torch.nan)), "not finite: logit_scale"),
        (lambda s: s.update(logit_scale=torch.tensor(4)), "no state dict of floating-point tensors: logit_scale"),
        (lambda s: torch.zeros(3), "holds Tensor: a state dict"),
        (lambda s: {}, "holds dict: a state dict"),
        (lambda s: {"model": s}, "model is dict"),
        (lambda s: {1: torch.zeros(3)}, "no state dict of floating-point tensors: 1 is Tensor"),
        (lambda s: torch.nn.Linear(2, 2), "no state dict that can be read safely"),
        (lambda s: {"conv1.weight": torch.zeros(3)}, "not the published CLEAR architecture.* and 4 more"),
    ],
)
def test_a_wrong_file_is_told_why(
    tmp_path: Path, published: Callable[..., Path], merges: Path, change: Callable[[State], Any], says: str
) -> None:
    with pytest.raises(ClearKbError, match=says) as caught:
        import_release(published(broken(change)), tmp_path / "clear", merges, preprocessing=SMALL)
    assert "best_model.pt" in str(caught.value)
    assert not (tmp_path / "clear").exists()


def test_nothing_in_a_file_is_run(tmp_path: Path, merges: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    (tmp_path / "trap.pt").write_bytes(pickle.dumps(Trap()))
    torch.save({"weight": Trap()}, tmp_path / "torch_trap.pt")
    (tmp_path / "text.pt").write_text("these are no weights")
    for name in ("trap.pt", "torch_trap.pt", "text.pt"):
        with pytest.raises(ClearKbError, match="no state dict that can be read safely"):
            import_release(tmp_path / name, tmp_path / "clear", merges, preprocessing=SMALL)
    assert not (tmp_path / "sprung").exists()
    with pytest.raises(UsageError, match="there is no file"):
        import_release(tmp_path / "nothing.pt", tmp_path / "clear", merges, preprocessing=SMALL)


def test_a_size_that_is_no_multiple_of_the_patch(tmp_path: Path, published: Callable[..., Path], merges: Path) -> None:
    with pytest.raises(UsageError, match="multiple of the patch, 14"):
        import_release(published(random_release()), tmp_path / "clear", merges, preprocessing=Preprocessing(450))


def test_a_long_text_is_cut_and_keeps_its_end(tmp_path: Path, published: Callable[..., Path], merges: Path) -> None:
    checkpoint = import_release(published(random_release()), tmp_path / "clear", merges, preprocessing=SMALL)
    text: Any = load_checkpoint(tmp_path / "clear").encoder.text
    long, fits = text.tokens(["no " * 40, "no " * 14])
    assert long.tolist() == fits.tolist() == [START, *[515] * 14, END]
    alone = checkpoint.encoder.text_vectors(["lung"])
    beside = checkpoint.encoder.text_vectors(["no " * 40, "lung"])[1:]
    torch.testing.assert_close(alone, beside, atol=1e-6, rtol=0)


def test_the_command(
    tmp_path: Path,
    published: Callable[..., Path],
    merges: Path,
    cli: Callable[..., subprocess.CompletedProcess[str]],
    cli_json: Callable[..., Any],
) -> None:
    published(random_release())
    told = cli_json("import-checkpoint", "best_model.pt", "-o", "clear", "--merges", "merges.txt", "--size", 112)
    assert (told["folder"], told["dimension"], told["size"], told["fit"]) == ("clear", 96, 112, "pad")
    assert told["encoder"] == load_checkpoint(tmp_path / "clear").encoder_id
    again = cli("import-checkpoint", "best_model.pt", "-o", "clear", "--merges", "merges.txt", code=2)
    assert "holds a checkpoint already" in again.stderr
    options = ("--merges", "merges.txt", "--size", 112, "--fit", "stretch")
    shown = cli("import-checkpoint", "best_model.pt", "-o", "other", *options)
    assert "DINOv2, 3 layers of 128" in shown.stdout and "112 x 112, stretch" in shown.stdout
    assert cli("import-checkpoint", "best_model.pt", "-o", "quiet", *options, "--quiet").stdout == ""

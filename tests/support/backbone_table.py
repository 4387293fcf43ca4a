"""The table of backbones in the docs: made of what is found when each is tried, never by hand.

`python -m tests.support.backbone_table` writes it anew; a test fails where the docs say otherwise.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from tests.support.other_libraries import rows_of_other_libraries
from tests.support.paths import ROOT
from tests.support.small_backbones import SMALL, SmallBackbone, write_small

PAGE = ROOT / "docs" / "explanation" / "backbones.md"
HEAD = (
    "| backbone | class | read by (`auto`) | width here | sizes tried | positions | result |\n"
    "|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Row:
    """What came of one backbone."""

    name: str
    network: str
    pooling: str
    width: str
    sizes: str
    positions: str
    result: str

    def line(self) -> str:
        """The row in Markdown."""
        return f"| {' | '.join(astuple(self))} |"


def tried(row: str, sizes: Sequence[int], **choice: Any) -> Row:
    """Open a backbone at each size, and say what came of it."""
    from encoder.model.backbones.choice import BackboneChoice
    from encoder.model.backbones.opening import OpenedBackbone, open_backbone
    from kb.errors import ClearKbError

    opened: list[OpenedBackbone] = []
    refused: list[tuple[int, str]] = []
    for size in sizes:
        try:
            opened.append(open_backbone(BackboneChoice(size=size, **choice)))
        except ClearKbError as error:
            reason = str(error).partition(" pixels: ")[2] or str(error)
            refused.append((size, reason))
    found = list(dict.fromkeys((type(one.network.module).__name__, one.network.pooling, one.width) for one in opened))
    assert len(found) <= 1, found
    network, pooling, width = found[0] if found else ("", "", "")
    return Row(
        name=row,
        network=network,
        pooling=pooling,
        width=str(width),
        sizes=", ".join(map(str, sizes)),
        positions=" / ".join(dict.fromkeys(map(_positions, opened))),
        result=_told(refused, opened),
    )


def _told(refused: list[tuple[int, str]], opened: list[Any]) -> str:
    reasons = list(dict.fromkeys(reason for _, reason in refused))
    if not opened:
        return f"refused: {'; '.join(reasons)}"
    return "; ".join(f"{size} refused: {reason}" for size, reason in refused) or "works"


def _positions(opened: Any) -> str:
    network = opened.network
    if getattr(network.reader, "interpolates", False):
        return "interpolated"
    told = {**network.described, **network.described.get("arguments", {})}
    size = told.get("image_size", told.get("img_size"))
    return "resized once" if size == opened.size != opened.pictures.size else "as it is"


def rows_of_transformers(folder: Path, kinds: Sequence[SmallBackbone] = SMALL) -> Iterator[Row]:
    """What comes of the small folders of transformers."""
    for number, kind in enumerate(kinds):
        made = write_small(folder / str(number), kind)
        yield tried(kind.name, kind.sizes, name=str(made))


def stored_table() -> list[str]:
    """The lines of the table as the docs have it."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index(HEAD.splitlines()[0])
    return [line for line in lines[start + 2 :] if line.startswith("|")]


def _write() -> None:
    """Write the table; rows of libraries that are not here stay as they are."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [row.line() for row in rows_of_transformers(Path(folder))]
    others = rows_of_other_libraries()
    lines += stored_table()[len(lines) :] if others is None else others
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(HEAD)
    after = rest.partition("\n\n")[2]
    PAGE.write_text(f"{before}{HEAD}\n" + "\n".join(lines) + f"\n\n{after}", encoding="utf-8")


if __name__ == "__main__":
    _write()

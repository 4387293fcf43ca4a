"""medspaCy as a peer: in an environment of its own, with our lexicon as its target list, on the same reports."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kb.language.lexicon import load_lexicon

ENVIRONMENT = Path(".bench/medspacy")
REQUIREMENT = "medspacy==1.3.1"
PEER = Path(__file__).with_name("medspacy_peer.py")


@dataclass(frozen=True)
class Peer:
    """What medspaCy made of some texts, in how many seconds of mining, its loading not counted."""

    seconds: float
    labels: list[set[str]]
    version: str


def mine_with_medspacy(texts: Sequence[str]) -> Peer:
    """Mine `texts` with medspaCy in one process; the environment is made where it is not there yet."""
    rows = [
        (term, label) for label, kind, names in load_lexicon().rows() if kind != "normal" for term in (label, *names)
    ]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("terms.json", "texts.json", "out.json")]
        files[0].write_text(json.dumps(rows), encoding="utf-8")
        files[1].write_text(json.dumps(list(texts)), encoding="utf-8")
        subprocess.run([_python(), PEER, *files], check=True, stdout=subprocess.DEVNULL)
        told = json.loads(files[2].read_text(encoding="utf-8"))
    return Peer(told["seconds"], [set(labels) for labels in told["labels"]], told["version"])


def _python() -> Path:
    """The interpreter of the peer's environment: it wants other versions of what we use."""
    python = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / ".ready").exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", REQUIREMENT], check=True
        )
        (ENVIRONMENT / ".ready").touch()
    return python.absolute()

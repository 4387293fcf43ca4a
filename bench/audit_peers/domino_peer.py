"""Domino on the vectors of a case, run in its own environment: CASE.npz TOOL OUT.json.

It does not say which of its slices is real: they are listed by their error, and none is "called".
"""

import json
import sys
import time
from pathlib import Path

import numpy as np


def main(case, tool, out):
    found = dict(np.load(case, allow_pickle=False))
    truth, score = found["truth"].astype(int), found["score"]
    given = {"embeddings": found["vectors"], "targets": truth, "pred_probs": np.c_[1 - score, score]}
    started = time.process_time()
    shares = TOOLS[tool](given)
    taken = time.process_time() - started
    wrong = (score >= 0.5) != (truth == 1)
    segments = []
    for column in shares.T:
        held = np.flatnonzero(column > 0.5)
        error = float(wrong[held].mean()) if len(held) else 0.0
        segments.append({"rows": np.argsort(-column)[:10].tolist(), "error": error, "called": False})
    segments.sort(key=lambda one: -one["error"])
    Path(out).write_text(json.dumps({"seconds": taken, "segments": segments}))


def domino(given):
    from domino import DominoSlicer

    slicer = DominoSlicer(n_slices=10, n_pca_components=16, random_state=0)
    slicer.fit(**given)
    return slicer.predict_proba(**given)


TOOLS = {"domino": domino}

if __name__ == "__main__":
    main(*sys.argv[1:])

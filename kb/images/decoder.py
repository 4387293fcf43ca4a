"""Compressed pixels of a DICOM file, unpacked in a process apart.

Decoders are written in C. Over a damaged file one of them may end its process, and what would be lost is all that an
ingest was doing: here it is one picture. Each thread that unpacks has a process of its own, begun with its first one.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import threading
import warnings
import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np

from kb.frames import Frame, read_frame, write_frame

PATIENCE_S = 120.0
"""How long one picture may take."""

_BEGIN = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from kb.images.decoder import main
main()
"""

_own = threading.local()


class DecoderEnded(Exception):
    """The process ended over a picture, or did not come to an end with it."""


def unpacked(data: bytes, elements: Mapping[str, str | int]) -> np.ndarray:
    """The numbers that a compressed DICOM file stores, as pydicom gives them.

    Args:
        data: the whole file.
        elements: what its header is to say, whatever it says, by keyword.

    Raises:
        DecoderEnded: the decoder broke down.
        ValueError: it says that it cannot decode this.
    """
    # Once more where it ended: somebody may have killed it, and the picture may be sound.
    if (answer := _asked(elements, data) or _asked(elements, data)) is None:
        raise DecoderEnded(f"the decoder broke down, or took over {PATIENCE_S:g} s")
    for message in answer.head["heard"]:
        warnings.warn(message, stacklevel=2)
    if "error" in answer.head:
        raise ValueError(answer.head["error"])
    return np.frombuffer(answer.body, answer.head["dtype"]).reshape(answer.head["shape"])


def _asked(elements: Mapping[str, str | int], data: bytes) -> Frame | None:
    decoder: _Decoder | None = getattr(_own, "decoder", None)
    if decoder is None or not decoder.is_ready:
        decoder = _own.decoder = _Decoder()
    return decoder.ask(elements, data)


class _Decoder:
    """The process, as who asks it sees it."""

    def __init__(self) -> None:
        self._of = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BEGIN, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for who asks
        )
        self._end = weakref.finalize(self, _end, self._process, self._of)

    @property
    def is_ready(self) -> bool:
        """Whether it can be asked: it is at work, and this process is the one that began it, and no fork of that."""
        return self._of == os.getpid() and self._process.poll() is None

    def ask(self, elements: Mapping[str, str | int], data: bytes) -> Frame | None:
        """Its answer; None where it ended."""
        assert self._process.stdin is not None and self._process.stdout is not None
        late = threading.Timer(PATIENCE_S, self._process.kill)
        late.start()
        try:
            write_frame(self._process.stdin, dict(elements), data)
            answer = read_frame(self._process.stdout)
        except OSError:
            answer = None
        except BaseException:  # Ctrl-C between a question and its answer: the next answer would be another's
            self._end()
            raise
        finally:
            late.cancel()
        if answer is None:
            self._end()
        return answer


def _end(process: subprocess.Popen[bytes], of: int) -> None:
    if of != os.getpid():
        return  # a fork lets go of what is its parent's
    process.kill()
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            if stream is not None:
                stream.close()
    process.wait()


def main() -> None:
    """The process itself: a file comes in, its numbers go out, until nobody asks any more."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a decoder prints is no answer
    while (asked := read_frame(sys.stdin.buffer)) is not None:
        head, body = _answer(asked)
        write_frame(answers, head, body)


def _answer(asked: Frame) -> tuple[dict[str, Any], Any]:
    import pydicom

    from kb.images.library_messages import heard_messages

    with heard_messages() as heard:
        try:
            dataset = pydicom.dcmread(io.BytesIO(asked.body), force=True)
            for keyword, value in asked.head.items():
                setattr(dataset, keyword, value)
            pixels = np.ascontiguousarray(dataset.pixel_array)
        except Exception as error:  # whatever it is, who asked says what becomes of the picture
            head: dict[str, Any] = {"error": str(error) or type(error).__name__}
            body: Any = b""
        else:
            head, body = {"dtype": pixels.dtype.str, "shape": pixels.shape}, pixels.reshape(-1).view(np.uint8)
    return {**head, "heard": heard}, body

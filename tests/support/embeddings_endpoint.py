"""An embeddings endpoint that can misbehave."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.loopback_server import LoopbackServer

Answer = Callable[[list[str]], tuple[int, Any]]
"""Maps the texts of a request to an HTTP status and a JSON body."""


class EmbeddingsEndpoint(LoopbackServer):
    """An OpenAI-compatible /v1/embeddings on loopback; `answers` are used in turn, the last one for good."""

    def __init__(self, *answers: Answer):
        self.requests: list[list[str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                texts = body["input"]
                answer = answers[min(len(outer.requests), len(answers) - 1)]
                outer.requests.append(texts)
                status, data = answer(texts)
                payload = json.dumps(data).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(Handler)

    @property
    def name(self) -> str:
        return f"openai:test-model@{self.url}"


def vectors_for(texts: Sequence[str], dimension: int = 8) -> dict[str, Any]:
    """A well-formed answer: for every text a vector that depends on its letters."""
    rows = []
    for index, text in enumerate(texts):
        vector = [1.0] * dimension
        for position, letter in enumerate(text):
            vector[(position + ord(letter)) % dimension] += ord(letter) % 7
        rows.append({"object": "embedding", "index": index, "embedding": vector})
    return {
        "object": "list",
        "model": "test-model",
        "data": rows,
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    }

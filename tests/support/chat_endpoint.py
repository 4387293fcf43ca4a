"""A real HTTP server that speaks the chat protocol, answers what a test tells it to, and misbehaves where told."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.loopback_server import LoopbackServer

Sections = dict[str, str]
Said = dict[str, Any]


def said(section: str, *quote: str, assertion: str = "present", **more: str) -> Said:
    """One statement of an answer."""
    return {
        "section": section,
        "quote": list(quote),
        "observation": "",
        "assertion": assertion,
        "certainty": "definite",
        "temporality": "current",
        **more,
    }


class Misbehaves(Exception):
    """What a test raises to have the server answer with something else than an answer."""

    def __init__(self, status: int = 500, body: Any = None, headers: dict[str, str] | None = None):
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers or {}


class Raw(str):
    """An answer's content as it is, rather than made of statements."""

    finish_reason = "stop"


class CutOff(Raw):
    """Content that was cut off at the longest answer."""

    finish_reason = "length"


Mines = Callable[[Sections, int], "list[Said] | Raw"]
"""Answers a report's sections; the number counts the requests about the same report, from 1."""


class ChatEndpoint(LoopbackServer):
    """The server; use it as a context."""

    def __init__(self, mines: Mines):
        self.mines = mines
        self.requests: list[dict[str, Any]] = []
        self.most_at_once = 0
        self._under_way = 0
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None: ...

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer, headers = endpoint._answer(self.path, body)
                data = json.dumps(answer).encode()
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # the client gave up waiting

        super().__init__(Handler)

    @property
    def model(self) -> str:
        """What `--model` names it by."""
        return f"tiny-llm@{self.url}"

    def _answer(self, path: str, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        if path != "/v1/chat/completions":
            return 404, {"error": {"message": f"no {path} here"}}, {}
        text = body["messages"][-1]["content"]
        with self._lock:
            self.requests.append(body)
            self._asked[text] += 1
            nth = self._asked[text]
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            time.sleep(0.01)
            answer = self.mines(dict(re.findall(r"<(\w+#?\d*)>\n(.*?)\n</\1>", text, re.S)), nth)
        except Misbehaves as error:
            return error.status, error.body or {"error": {"message": f"status {error.status}"}}, error.headers
        finally:
            with self._lock:
                self._under_way -= 1
        content = answer if isinstance(answer, Raw) else json.dumps({"observations": answer})
        return 200, completion(str(content), getattr(answer, "finish_reason", "stop")), {}


def completion(content: str, finish_reason: str = "stop") -> dict[str, Any]:
    """A completion as the protocol has it."""
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 0,
        "model": "tiny-llm",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }

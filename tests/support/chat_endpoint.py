"""A real HTTP server that speaks a chat protocol, answers what a test tells it to, and misbehaves where told.

It speaks one dialect, and refuses what another one asks with, as strict servers do.
"""

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


FIELDS = {
    "openai": {"response_format", "temperature", "seed", "max_tokens"},
    "openai, newer": {"response_format", "temperature", "seed", "max_completion_tokens"},
    "vllm": {"structured_outputs", "temperature", "seed", "max_tokens"},
    "vllm, older": {"guided_json", "temperature", "seed", "max_tokens"},
    "ollama": {"format", "stream", "options"},
}
"""What a request may hold beside the model and its messages, by the dialect that is spoken."""

VERSIONS = {
    "vllm": ("/version", "0.12.1"),
    "vllm, older": ("/version", "0.8.5"),
    "ollama": ("/api/version", "0.5.7"),
}
"""Where a server tells its version."""

Mines = Callable[[Sections, int], "list[Said] | Raw"]
"""Answers a report's sections; the number counts the requests about the same report, from 1."""


class ChatEndpoint(LoopbackServer):
    """The server; use it as a context."""

    def __init__(self, mines: Mines, speaks: str = "openai"):
        self.mines = mines
        self.speaks = speaks
        self.together: Callable[[list[Said]], Any] = lambda answers: {"reports": answers}
        """What becomes of the answers about the reports of one request."""
        self.asked_versions: list[str] = []
        self.cached_tokens: int | None = None
        """What of a prompt is told to be cached; None: nothing is told of a cache."""
        self.requests: list[dict[str, Any]] = []
        self.most_at_once = 0
        self._under_way = 0
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None: ...

            def do_GET(self) -> None:
                endpoint.asked_versions.append(self.path)
                path, version = VERSIONS.get(endpoint.speaks, ("", ""))
                if self.path == path:
                    self._send(200, {"version": version}, {})
                else:
                    self._send(404, {"error": {"message": f"no {self.path} here"}}, {})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._send(*endpoint._answer(self.path, body))

            def _send(self, status: int, answer: Any, headers: dict[str, str]) -> None:
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
        if path != ("/api/chat" if self.speaks == "ollama" else "/v1/chat/completions"):
            return 404, {"error": {"message": f"no {path} here"}}, {}
        if strange := sorted(set(body) - FIELDS[self.speaks] - {"model", "messages"}):
            return 400, {"error": _refusal(self.speaks, strange[0])}, {}
        text = body["messages"][-1]["content"]
        with self._lock:
            self.requests.append(body)
            self._asked[text] += 1
            nth = self._asked[text]
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            time.sleep(0.01)
            answer = self._mined(text, nth)
        except Misbehaves as error:
            return error.status, error.body or {"error": {"message": f"status {error.status}"}}, error.headers
        finally:
            with self._lock:
                self._under_way -= 1
        content = answer if isinstance(answer, Raw) else json.dumps(answer)
        told = ollama_answer if self.speaks == "ollama" else completion
        reply = told(str(content), getattr(answer, "finish_reason", "stop"))
        if self.cached_tokens is not None:
            reply["usage"]["prompt_tokens_details"] = {"cached_tokens": self.cached_tokens}
        return 200, reply, {}

    def _mined(self, text: str, nth: int) -> Any:
        reports = re.findall(r'<report id="(\d+)">\n(.*?)\n</report>', text, re.S)
        if not reports:
            answer = self.mines(_sections(text), nth)
            return answer if isinstance(answer, Raw) else {"observations": answer}
        answers = [{"report": of, "observations": self.mines(_sections(one), nth)} for of, one in reports]
        return self.together(answers)


def _sections(text: str) -> Sections:
    return dict(re.findall(r"<(\w+#?\d*)>\n(.*?)\n</\1>", text, re.S))


def _refusal(speaks: str, field: str) -> dict[str, Any]:
    """How a server says that it does not take a field."""
    if speaks == "openai, newer" and field == "max_tokens":
        told = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        return {"message": told, "param": field, "code": "unsupported_parameter"}
    if speaks.startswith("openai"):
        return {"message": f"Unrecognized request argument supplied: {field}", "param": None, "code": None}
    if speaks.startswith("vllm"):
        return {"message": f"[{{'type': 'extra_forbidden', 'loc': ('body', '{field}')}}]", "type": "BadRequestError"}
    return {"message": f'json: unknown field "{field}"'}


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


def ollama_answer(content: str, finish_reason: str = "stop") -> dict[str, Any]:
    """An answer as Ollama's own protocol has it."""
    return {
        "model": "tiny-llm",
        "message": {"role": "assistant", "content": content},
        "done": True,
        "done_reason": finish_reason,
        "prompt_eval_count": 100,
        "eval_count": 10,
    }

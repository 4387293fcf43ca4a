"""Real parts for tests: an S3 server, an embeddings endpoint that can misbehave, small models, concept rows."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from kb.knowledge_base import KnowledgeBase
from kb.store.publication import Publication
from kb.vocabulary.concept_rows import concept_batches, new_concept


class S3Server:
    """moto's S3 server on a free loopback port, with a bucket."""

    bucket = "clear"

    def __enter__(self) -> Self:
        import boto3
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        answer = DomainDispatcherApplication(create_backend_app)

        def application(environ: dict[str, Any], start_response: Any) -> Any:
            self.receive(environ)
            return answer(environ, start_response)

        self._server = make_server("127.0.0.1", 0, application, threaded=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self._client.create_bucket(Bucket=self.bucket)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def receive(self, environ: dict[str, Any]) -> None:
        """Sees each request before moto does."""

    def objects(self, prefix: str) -> dict[str, str]:
        """The keys under a prefix, with what marks the content of each."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return {found["Key"]: found["ETag"] for page in pages for found in page.get("Contents", ())}

    @property
    def storage_options(self) -> dict[str, str]:
        return {
            "aws_endpoint": self.endpoint,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "aws_region": "us-east-1",
            "allow_http": "true",
        }


class CarelessS3Server(S3Server):
    """One that ignores If-None-Match, as some gateways do; all servers of one process hold the same objects."""

    def receive(self, environ: dict[str, Any]) -> None:
        environ.pop("HTTP_IF_NONE_MATCH", None)


Answer = Callable[[list[str]], tuple[int, Any]]
"""Maps the texts of a request to an HTTP status and a JSON body."""


class LoopbackServer:
    """A real HTTP server on a free loopback port, for a `with`; a subclass gives its handler."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]):
        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None: ...  # a client that hung up is part of the tests

        self._server = Server(("127.0.0.1", 0), handler)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"


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


def tiny_sentence_transformer(folder: Path, dimension: int, seed: int) -> Path:
    """Write a sentence-transformers model with random weights: the real loading code, nothing to download."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(seed)
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    bert = folder.with_name(folder.name + "-bert")
    bert.mkdir(parents=True)
    # As a mapping: from a file of words, this version of transformers takes the special tokens alone.
    BertTokenizerFast(vocab={word: number for number, word in enumerate(words)}).save_pretrained(bert)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=dimension,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=2 * dimension,
    )
    BertModel(config).save_pretrained(bert)
    model = SentenceTransformer(modules=[Transformer(str(bert)), Pooling(dimension)], device="cpu")
    model.save(str(folder))
    return folder


def concept(text: str, **fields: Any) -> dict[str, Any]:
    """A row of the `concepts` table as the ingest makes it, with some fields set."""
    from kb.language.facets import read_query

    return {**new_concept(read_query(text), "test"), **fields}


def add_concepts(kb: KnowledgeBase, texts: Sequence[str], **fields: Any) -> None:
    """Commit concepts with these texts, without vectors."""
    rows = [concept(text, **fields) for text in texts]

    def change(publication: Publication) -> dict[str, Any]:
        publication.write("concepts", concept_batches(rows, publication.dataset("concepts").schema))
        publication.index_words("concepts", "text")
        return {"added": len(rows)}

    kb.publish("add", change, by="tester")

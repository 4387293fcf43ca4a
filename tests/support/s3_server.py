"""moto's servers of S3 and DynamoDB on loopback, and such as do not what a store should."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Self

COMMIT_KEYS = {"base_uri": ("HASH", "S"), "version": ("RANGE", "N")}
"""The keys of a DynamoDB table that Lance commits through, with their kinds and types."""


class S3Server:
    """moto's server on a free loopback port, with a bucket, and a DynamoDB table for commits.

    Args:
        delay_s: how long each request waits, as over a network.
    """

    bucket = "clear"
    commit_table = "clear-commits"

    def __init__(self, *, delay_s: float = 0.0):
        self.delay_s = delay_s
        self.requests: list[str] = []

    def __enter__(self) -> Self:
        import boto3
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        answer = DomainDispatcherApplication(create_backend_app)

        def application(environ: dict[str, Any], start_response: Any) -> Any:
            self.requests.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
            time.sleep(self.delay_s)
            if (refused := self.receive(environ)) is not None:
                status, code = refused
                start_response(status, [("Content-Type", "application/xml")])
                return [f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()]
            return answer(environ, start_response)

        self._server = make_server("127.0.0.1", 0, application, threaded=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        self._client = boto3.client("s3", endpoint_url=self.endpoint, **keys)
        self._dynamodb = boto3.client("dynamodb", endpoint_url=self.endpoint, **keys)
        self._client.create_bucket(Bucket=self.bucket)
        # All servers of one process hold the same tables, as they hold the same buckets.
        if self.commit_table not in self._dynamodb.list_tables()["TableNames"]:
            self._dynamodb.create_table(
                TableName=self.commit_table,
                KeySchema=[{"AttributeName": name, "KeyType": kind} for name, (kind, _) in COMMIT_KEYS.items()],
                AttributeDefinitions=[
                    {"AttributeName": name, "AttributeType": of} for name, (_, of) in COMMIT_KEYS.items()
                ],
                BillingMode="PAY_PER_REQUEST",
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def receive(self, environ: dict[str, Any]) -> tuple[str, str] | None:
        """Sees each request before moto does; a status and a code refuse it."""
        return None

    def objects(self, prefix: str) -> dict[str, str]:
        """The keys under a prefix, with what marks the content of each."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return {found["Key"]: found["ETag"] for page in pages for found in page.get("Contents", ())}

    def remove(self, key: str) -> None:
        """Take an object away, as nobody of ours would."""
        self._client.delete_object(Bucket=self.bucket, Key=key)

    @property
    def storage_options(self) -> dict[str, str]:
        return {
            "aws_endpoint": self.endpoint,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "aws_region": "us-east-1",
            "allow_http": "true",
            "dynamodb_endpoint": self.endpoint,
        }

    @property
    def environment(self) -> dict[str, str]:
        """The same for a command, in its environment."""
        return {
            "AWS_ENDPOINT": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
            "DYNAMODB_ENDPOINT": self.endpoint,
        }


class CarelessS3Server(S3Server):
    """One that ignores If-None-Match, as some gateways do; all servers of one process hold the same objects."""

    def receive(self, environ: dict[str, Any]) -> tuple[str, str] | None:
        environ.pop("HTTP_IF_NONE_MATCH", None)
        return None


class RefusingS3Server(S3Server):
    """One that refuses some requests.

    Args:
        status: what it answers them with ("403 Forbidden").
        code: what it calls that ("AccessDenied").
        what: which ones: "writes", "conditional writes", "second conditional writes" (of one key) or "all".
    """

    def __init__(self, status: str, code: str, what: str):
        super().__init__()
        self._refusal, self._what, self._written = (status, code), what, set[str]()
        self._begun = False

    def __enter__(self) -> Self:
        super().__enter__()
        self._begun = True
        return self

    def receive(self, environ: dict[str, Any]) -> tuple[str, str] | None:
        key, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        conditional = method == "PUT" and "HTTP_IF_NONE_MATCH" in environ
        refused = {
            "all": True,
            "writes": method in ("PUT", "POST", "DELETE"),
            "conditional writes": conditional,
            "second conditional writes": conditional and key in self._written,
        }[self._what]
        if conditional:
            self._written.add(key)
        return self._refusal if refused and self._begun else None

"""moto's S3 server on loopback, and one that ignores conditional writes."""

from __future__ import annotations

import logging
import threading
from typing import Any, Self


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

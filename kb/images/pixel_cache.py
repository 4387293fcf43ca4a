"""The pixel cache: a radiograph is decoded and resized once for one content and preprocessing."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import pyarrow as pa

from kb.images.preprocessing import Preprocessing
from kb.store.storage import Storage


class PixelCache:
    """The cached pixels of one preprocessing in one knowledge base; keyed by the content of the image's file."""

    def __init__(self, storage: Storage, preprocessing: Preprocessing):
        self._storage = storage
        self.preprocessing = preprocessing

    def known(self) -> set[str]:
        """The contents (hashes) whose pixels are there."""
        where = f"preprocessing = '{self.preprocessing.preprocessing_id}'"
        table = self._storage.dataset("pixels").to_table(columns=["content_hash"], filter=where)
        return set(table["content_hash"].to_pylist())

    def store(self, pixels: Mapping[str, bytes]) -> None:
        """Add pixels by content: the bytes of uint8 (size, size) each."""
        if not pixels:
            return
        identity = self.preprocessing.preprocessing_id
        rows = {
            "key": [self._key(content) for content in pixels],
            "content_hash": list(pixels),
            "preprocessing": [identity] * len(pixels),
            "size": pa.array([self.preprocessing.size] * len(pixels), pa.int32()),
            "pixels": pa.array(list(pixels.values()), pa.large_binary()),
        }
        table = pa.table(rows)
        self._storage.append("pixels", table.cast(self._storage.dataset("pixels").schema))

    def _key(self, content: str) -> str:
        return blake2b(f"{self.preprocessing.preprocessing_id}\0{content}".encode(), digest_size=16).hexdigest()

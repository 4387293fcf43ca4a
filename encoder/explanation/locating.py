"""Where in its image a prediction, or the score of a concept, comes from."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

from encoder.explanation.explanation import Explainer
from encoder.explanation.heatmap import Quantity, concept_quantity, draw_heatmap, mean_image, quantity_of, relevance
from encoder.prediction.concept_list import find_concept
from encoder.vectors.pixels import PixelReader
from kb.errors import UsageError


class Locator:
    """Locates the predictions of one run in their images: what is needed for all of them is read once."""

    def __init__(self, explainer: Explainer):
        self._explainer = explainer

    def draw(self, image_id: str, label: str, path: Path, *, concept: str | None = None) -> np.ndarray:
        """Draw where in an image a prediction, or a concept's score, comes from; the relevance of each place.

        Args:
            image_id: of which image.
            label: of which label.
            path: of the PNG file.
            concept: the score of this concept (id or text) rather than the prediction.

        Raises:
            UsageError: the image's pixels are missing, or there is no such concept.
        """
        pixels, found = self.locate(image_id, label, concept=concept)
        title = f"{label}, run {self._explainer.run.name}"
        if concept is not None:
            title = self._explainer.space.concepts["text"][self._place(concept)].as_py()
        draw_heatmap(pixels, found, path, title=f"{title}\n{image_id}")
        return found

    def locate(self, image_id: str, label: str, *, concept: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The pixels of an image, and what each place of it adds to a prediction, or to a concept's score.

        Args:
            image_id: of which image.
            label: of which label.
            concept: the score of this concept (id or text) rather than the prediction.

        Raises:
            UsageError: the image's pixels are missing, or there is no such concept.
        """
        space, run = self._explainer.space, self._explainer.run
        if concept is not None:
            return self.along(image_id, space.vectors[self._place(concept)])
        return self._located(image_id, quantity_of(run.head(label), run.space, space.projector))

    def along(self, image_id: str, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pixels of an image, and what each place of it adds along a direction of the image vectors, (d,).

        Raises:
            UsageError: the image's pixels are missing.
        """
        return self._located(image_id, concept_quantity(direction))

    def _located(self, image_id: str, asked: Quantity) -> tuple[np.ndarray, np.ndarray]:
        if image_id not in self._contents:
            raise UsageError(f"there is no image {image_id} in {self._explainer.images.uri}")
        (pixels,) = self._reader.take([self._contents[image_id]])
        return pixels, relevance(self._explainer.checkpoint, pixels, self._mean_pixels, quantity=asked)

    def _place(self, concept: str) -> int:
        return self._explainer.space.place(find_concept(self._explainer.kb, concept))

    @cached_property
    def _contents(self) -> dict[str, str]:
        """The content of each image."""
        rows = self._explainer.images.dataset("images").to_table(columns=["image_id", "content_hash"]).to_pylist()
        return {row["image_id"]: row["content_hash"] for row in rows}

    @cached_property
    def _reader(self) -> PixelReader:
        return PixelReader(self._explainer.images, self._explainer.checkpoint.preprocessing)

    @cached_property
    def _mean_pixels(self) -> np.ndarray:
        """The mean image, that all others are told against."""
        return mean_image(self._reader, sorted(self._contents.values()))

"""Decodes a picture by the worker's settings: the fast way if that yields the same pixels, else the reference way."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vitrine.core.settings import Settings
from workers.image import Picture
from workers.images.jpeg_decode import SIGNATURE, ScaledSize, decode_jpeg
from workers.images.pillow_decode import IMAGE_POLICY, decode_by_pillow
from workers.images.transforms import GREY_POLICY, crop, downscaled, to_grayscale
from workers.models.base import EmbeddingModel, ScalesPictures

SCALED_POLICY = f"{IMAGE_POLICY}-dct"
"""The image policy under which JPEGs may be decoded at a smaller size; their pixels are close to those of `IMAGE_POLICY`."""


@dataclass(frozen=True, slots=True)
class ImageDecoder:
    """Decodes under one image policy; thread-safe."""

    max_pixels: int
    fast: bool = (
        True  #: Whether libjpeg-turbo alone decodes JPEGs; if not, Pillow decodes everything.
    )
    scaled_size: ScaledSize | None = (
        None  #: If given, the fast way decodes large JPEGs at a smaller size.
    )
    longest: int = 0  #: Pixels to which the longest side is first scaled down; 0: no scaling.
    grey: bool = False  #: Whether pictures are converted to grey.
    part: tuple[
        float, ...
    ] = ()  #: The part to crop from each picture, see `workers.images.transforms`; empty: no crop.

    @property
    def policy(self) -> str:
        """The version of the picture processing, stored with every vector."""
        parts = [GREY_POLICY if self.grey else IMAGE_POLICY]
        if self.longest:
            parts.append(f"max{self.longest}")
        if self.fast and self.scaled_size:
            parts.append("dct")
        return "-".join(parts)

    @property
    def leaves_jpegs_alone(self) -> bool:
        """Whether a JPEG needs no more memory than libjpeg-turbo's array; false if Pillow scales it down."""
        return self.fast and not self.longest

    def as_grey(self) -> ImageDecoder:
        """Return the same decoder, but for grey pictures."""
        return replace(self, grey=True)

    def of_part(self, part: tuple[float, ...]) -> ImageDecoder:
        """Return the same decoder, but for a part of the picture, cropped at full size."""
        return replace(self, part=part, scaled_size=None)

    def __call__(self, data: bytes) -> Picture:
        """Decode one picture; raises `ItemFailure` with the same reasons as `workers.images.pillow_decode.decode_by_pillow`."""
        picture = self._decoded(data)
        if self.part:
            picture = crop(picture, self.part)
        if self.longest:
            picture = downscaled(picture, self.longest)
        return to_grayscale(picture) if self.grey else picture

    def _decoded(self, data: bytes) -> Picture:
        if self.fast and data.startswith(SIGNATURE):
            pixels = decode_jpeg(data, max_pixels=self.max_pixels, scaled_size=self.scaled_size)
            if pixels is not None:
                return pixels
        return decode_by_pillow(data, max_pixels=self.max_pixels)


def decoder_for(model: EmbeddingModel, settings: Settings) -> ImageDecoder:
    """Create the decoder for a worker's model from its settings."""
    scaled_size = model.scaled_size if isinstance(model, ScalesPictures) else None
    return ImageDecoder(
        settings.max_pixels,
        fast=settings.preprocess == "fast",
        scaled_size=scaled_size if settings.jpeg_scaling else None,
        longest=settings.longest_side,
        grey=settings.grey,
    )

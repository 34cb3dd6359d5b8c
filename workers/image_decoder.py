"""Bytes become a picture the way that a worker has chosen: fast where that gives the same pixels, else the reference."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vitrine.core.settings import Settings
from workers.image import Picture
from workers.images.jpeg_decode import SIGNATURE, ScaledSize, decode_jpeg
from workers.images.pillow_decode import IMAGE_POLICY, decode_by_pillow
from workers.images.transforms import GREY_POLICY, crop, downscaled, to_grayscale
from workers.models.base import EmbeddingModel, ScalesPictures

SCALED_POLICY = f"{IMAGE_POLICY}-dct"
"""The image policy under which a JPEG may have been decoded smaller: its pixels are near those of `IMAGE_POLICY`."""


@dataclass(frozen=True, slots=True)
class ImageDecoder:
    """Decodes under one image policy; thread-safe."""

    max_pixels: int
    fast: bool = (
        True  #: Whether JPEGs go by libjpeg-turbo alone; otherwise everything goes by Pillow.
    )
    scaled_size: ScaledSize | None = (
        None  #: Given, large JPEGs are decoded smaller, the fast way only.
    )
    longest: int = (
        0  #: Pixels to which the longest side is scaled down beforehand; 0: it is left as it is.
    )
    grey: bool = False  #: Whether pictures lose their colours.
    part: tuple[
        float, ...
    ] = ()  #: What is cut out of each, see `workers.images.transforms`; empty: nothing.

    @property
    def policy(self) -> str:
        """The version of what is done to pictures, stored with every vector."""
        parts = [GREY_POLICY if self.grey else IMAGE_POLICY]
        if self.longest:
            parts.append(f"max{self.longest}")
        if self.fast and self.scaled_size:
            parts.append("dct")
        return "-".join(parts)

    @property
    def leaves_jpegs_alone(self) -> bool:
        """Whether a JPEG's pixels take no more memory than libjpeg-turbo's array: not where Pillow scales them down."""
        return self.fast and not self.longest

    def as_grey(self) -> ImageDecoder:
        """The same, without colours."""
        return replace(self, grey=True)

    def of_part(self, part: tuple[float, ...]) -> ImageDecoder:
        """The same, for a part of the picture, which is cut out of it at full size."""
        return replace(self, part=part, scaled_size=None)

    def __call__(self, data: bytes) -> Picture:
        """Decode one picture; raises `ItemFailure` as `workers.images.pillow_decode.decode_by_pillow` does, with the same reasons."""
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
    """The decoder of a worker's settings, for its model."""
    scaled_size = model.scaled_size if isinstance(model, ScalesPictures) else None
    return ImageDecoder(
        settings.max_pixels,
        fast=settings.preprocess == "fast",
        scaled_size=scaled_size if settings.jpeg_scaling else None,
        longest=settings.longest_side,
        grey=settings.grey,
    )

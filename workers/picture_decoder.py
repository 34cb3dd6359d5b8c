"""Bytes become a picture the way that a worker has chosen: fast where that gives the same pixels, else the reference."""

from __future__ import annotations

from dataclasses import dataclass

from workers.decode import IMAGE_POLICY, decode
from workers.jpeg import SIGNATURE, ScaledSize, decode_jpeg
from workers.picture import Picture

SCALED_POLICY = f"{IMAGE_POLICY}-dct"
"""The image policy under which a JPEG may have been decoded smaller: its pixels are near those of `IMAGE_POLICY`."""


@dataclass(frozen=True, slots=True)
class PictureDecoder:
    """Decodes under one image policy; thread-safe."""

    max_pixels: int
    fast: bool = (
        True  #: Whether JPEGs go by libjpeg-turbo alone; otherwise everything goes by Pillow.
    )
    scaled_size: ScaledSize | None = (
        None  #: Given, large JPEGs are decoded smaller, the fast way only.
    )

    @property
    def policy(self) -> str:
        """The version of what is done to pictures, stored with every vector."""
        return SCALED_POLICY if self.fast and self.scaled_size else IMAGE_POLICY

    def __call__(self, data: bytes) -> Picture:
        """Decode one picture; raises `ItemFailure` as `workers.decode.decode` does, with the same reasons."""
        if self.fast and data.startswith(SIGNATURE):
            pixels = decode_jpeg(data, max_pixels=self.max_pixels, scaled_size=self.scaled_size)
            if pixels is not None:
                return pixels
        return decode(data, max_pixels=self.max_pixels)

"""Bytes into pixels: what format they are, how large, decoding by libjpeg-turbo or Pillow, orientation, colour, crop."""

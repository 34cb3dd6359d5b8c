"""From bytes to pixels: format, size, decoding by libjpeg-turbo or Pillow, orientation, colour, crop."""

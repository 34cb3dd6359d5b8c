"""The parts of the XML reader: decoding, parsing within limits, finding the element that is a row, and its fields."""

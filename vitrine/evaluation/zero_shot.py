"""Zero-shot classes: each label becomes a sentence whose vector represents the class, and pictures find the nearest.

Several templates are averaged into one vector per class, as in the CLIP paper (Radford et al., 2021, section
3.1.4): each sentence's unit vector has the same weight, and the mean is scaled to unit length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vitrine.core.errors import BadInput

TEMPLATES = ("A photo of {text}.",)
"""The template whose published figure docs/quality.md cites."""
_PLACES = ("{text}", "{label}", "{}")
_DIVIDERS = re.compile(r"[-_/\s]+")

EmbedTexts = Callable[[Sequence[str]], NDArray[np.float32]]
"""Maps texts to unit vectors, float32 [n, dimension]."""


def check_templates(templates: Iterable[str]) -> tuple[str, ...]:
    """Return the templates. Raises `BadInput` for one without a placeholder for the class."""
    checked = tuple(templates)
    for template in checked:
        if not any(place in template for place in _PLACES):
            raise BadInput(
                f"The prompt {template!r} has no placeholder for the class.",
                hint='Write {text} for the class name, as in "A photo of {text}.".',
            )
    return checked


def fill_template(template: str, label: str, text: str) -> str:
    """Fill one class into one template: `{text}` and `{}` become its words, `{label}` its label."""
    # Replaced in one pass, so that braces in the words are not treated as placeholders.
    words = {"{text}": text, "{}": text, "{label}": label}
    return re.sub(r"\{(?:text|label)?\}", lambda place: words[place[0]], template)


def class_text(label: str, names: Mapping[str, str]) -> str:
    """Return the text for a class: its name if given, otherwise its label with separators replaced by spaces."""
    return names.get(label) or _DIVIDERS.sub(" ", label).strip()


def class_vectors(
    labels: Sequence[str],
    names: Mapping[str, str],
    templates: Sequence[str],
    embed: EmbedTexts,
) -> NDArray[np.float32]:
    """Return one unit vector per class, float32 [classes, dimension]."""
    sentences = [
        fill_template(template, label, class_text(label, names))
        for label in labels
        for template in templates
    ]
    vectors = embed(sentences).reshape(len(labels), len(templates), -1)
    means = vectors.mean(axis=1, dtype=np.float64)
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)

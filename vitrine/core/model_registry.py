"""The models that vitrine knows by name: their properties, their requirements, and the revision that is loaded.

Data only. Any other model in transformers' format is loaded by its directory or hub id. The models listed here are loaded
at a pinned revision, so that vectors made today and next year come from the same weights.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from vitrine.core.errors import BadInput
from vitrine.core.types import model_name

Family: TypeAlias = Literal["descriptor", "siglip", "siglip2", "clip", "dinov2"]
APACHE, MIT = "Apache-2.0", "MIT"
PINNED_AT = "@"
"""`ORGANISATION/NAME@REVISION` loads another revision than the pinned one: a branch, a tag, a commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """One model."""

    id: str  #: The value for `--model`: a hub id, or `builtin`.
    revision: str | None
    """The commit on the hub; None for a model that is part of vitrine."""
    family: Family
    dimension: int  #: Of its vectors.
    side: (
        int | None
    )  #: Pixels per side of its square input; None for a model that keeps a picture's proportions.
    patches: int | None = (
        None  #: Maximum number of patches per picture, for a model that keeps the proportions.
    )
    text: bool  #: Whether it embeds words into the space of its pictures.
    parameters: int  #: Of all its towers.
    licence: str | None  #: SPDX name of the weights' licence; None if part of vitrine.

    @property
    def name(self) -> str:
        """The canonical name, used by queues and collections."""
        return model_name(self.id)

    def weights_bytes(self, bytes_a_number: int) -> int:
        """Return the memory for its weights: 4 bytes per number on a CPU (float32), 2 on a GPU (bfloat16).

        A batch's activations come on top; the worker measures at startup how large a batch fits.
        """
        return self.parameters * bytes_a_number


def _siglip2(name: str, side: int | None, parameters: int, revision: str) -> ModelCard:
    dimension = {"base": 768, "large": 1024, "so400m": 1152}[name.partition("-")[0]]
    return ModelCard(
        id=f"google/siglip2-{name}",
        revision=revision,
        family="siglip2",
        dimension=dimension,
        side=side,
        patches=None if side else 256,
        text=True,
        parameters=parameters,
        licence=APACHE,
    )


def _clip(name: str, dimension: int, parameters: int, revision: str) -> ModelCard:
    return ModelCard(
        id=f"openai/clip-{name}",
        revision=revision,
        family="clip",
        dimension=dimension,
        side=224,
        text=True,
        parameters=parameters,
        licence=MIT,
    )


def _dinov2(name: str, dimension: int, parameters: int, revision: str) -> ModelCard:
    return ModelCard(
        id=f"facebook/dinov2-{name}",
        revision=revision,
        family="dinov2",
        dimension=dimension,
        side=224,
        text=False,
        parameters=parameters,
        licence=APACHE,
    )


MODEL_CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        id="builtin", revision=None, family="descriptor", dimension=651, side=128, text=False,
        parameters=0, licence=None,
    ),
    _siglip2("base-patch16-224", 224, 375_187_970, "75de2d55ec2d0b4efc50b3e9ad70dba96a7b2fa2"),
    _siglip2("base-patch16-256", 256, 375_234_050, "3f9f96cb90da5dbc758b01813f2f6f1aee24c1ab"),
    _siglip2("base-patch16-384", 384, 375_479_810, "f775b65a79762255128c981547af89addcfe0f88"),
    _siglip2("base-patch16-512", 512, 375_823_874, "a89f5c5093f902bf39d3cd4d81d2c09867f0724b"),
    _siglip2("base-patch32-256", 256, 376_856_066, "94dffa8cb1179de3e03f091dbc3917e5d5a9ae84"),
    _siglip2("large-patch16-256", 256, 881_526_786, "787800c8990e6f058423089178e718139608408c"),
    _siglip2("large-patch16-384", 384, 881_854_466, "1b426889ea62b5a72bf9839009a1b184bfc9c178"),
    _siglip2("large-patch16-512", 512, 882_313_218, "49488218e80259885f3be61d7a9455faf833b7a8"),
    _siglip2("so400m-patch14-224", 224, 1_135_463_602, "78e403963a4f6a3640d07803284752326fdf4edf"),
    _siglip2("so400m-patch14-384", 384, 1_136_008_498, "e8e487298228002f3d8a82e0cd5c8ea9c567f57f"),
    _siglip2("so400m-patch16-256", 256, 1_135_670_962, "e8708ab72d125807e45b36fb7d4e0aacbb59f379"),
    _siglip2("so400m-patch16-384", 384, 1_136_039_602, "dd658faac399427308559e2c3ac1e99cbe43845d"),
    _siglip2("so400m-patch16-512", 512, 1_136_555_698, "ceea1cba8130d8271436da4828633198c176a775"),
    _siglip2("base-patch16-naflex", None, 375_234_050, "b53b807d3a2d5e2b3911292f2d69e5341cdc064c"),
    _siglip2("so400m-patch16-naflex", None, 1_135_670_962, "cc24074f717b612951c2dead130904ab9b65a81e"),
    ModelCard(
        id="google/siglip-so400m-patch14-384", revision="9fdffc58afc957d1a03a25b10dba0329ab15c2a3",
        family="siglip", dimension=1152, side=384, text=True, parameters=877_960_498, licence=APACHE,
    ),
    # A separate commit on the hub has this model as safetensors; the main branch has a pickle, which is never loaded.
    _clip("vit-base-patch32", 512, 151_277_313, "c237dc49a33fc61debc9276459120b7eac67e7ef"),
    _clip("vit-large-patch14", 768, 427_616_513, "32bd64288804d66eefd0ccbe215aa642df71cc41"),
    _dinov2("small", 384, 22_056_576, "ed25f3a31f01632728cabb09d1542f84ab7b0056"),
    _dinov2("base", 768, 86_580_480, "f9e44c814b77203eaa57a6bdbbd535f21ede1415"),
    _dinov2("large", 1024, 304_368_640, "47b73eefe95e8d44ec3623f8890bd894b6ea2d6c"),
    _dinov2("giant", 1536, 1_136_480_768, "611a9d42f2335e0f921f1e313ad3c1b7178d206d"),
    _dinov2("with-registers-small", 384, 22_058_112, "0d9846e56b43a21fa46d7f3f5070f0506a5795a9"),
    _dinov2("with-registers-base", 768, 86_583_552, "a1d738ccfa7ae170945f210395d99dde8adb1805"),
    _dinov2("with-registers-large", 1024, 304_372_736, "e4c89a4e05589de9b3e188688a303d0f3c04d0f3"),
    _dinov2("with-registers-giant", 1536, 1_136_486_912, "8d0d49f77fb8b5dd78842496ff14afe7dd4d85cb"),
)  # fmt: skip
"""In display order: smaller models of a family first."""

_BY_ID: Mapping[str, ModelCard] = {card.id.lower(): card for card in MODEL_CARDS}
_BY_SHORT_NAME: Mapping[str, ModelCard] = {
    card.id.rpartition("/")[2].lower(): card for card in MODEL_CARDS
}
_BY_NAME: Mapping[str, ModelCard] = {card.name: card for card in MODEL_CARDS}


def find_model_card(model: str) -> ModelCard | None:
    """Return the card of a model by its id or canonical name; None for an unlisted model."""
    given = model.lower()
    return _BY_ID.get(given) or _BY_NAME.get(given)


def resolve_model_card(model: str) -> ModelCard | None:
    """Return the card of a model by its id, its canonical name, or the last part of its id."""
    return find_model_card(model) or _BY_SHORT_NAME.get(model.lower())


def check_model_name(model: str) -> None:
    """Raise `BadInput` for a model that no worker could load, before anything is started and without loading a library.

    Directories must exist, and a name without a slash must be a known one. An ORGANISATION/NAME is accepted: only the hub
    knows whether it exists.
    """
    given = os.path.expanduser(model)
    if os.path.isdir(given) or find_model_card(model) is not None:
        return
    if model.startswith(("/", "./", "../", "~")):
        raise BadInput(
            f"There is no model directory {model}.",
            hint="Give a directory in transformers' format, a hub id (ORGANISATION/NAME), or builtin.",
        )
    if "/" in model or model.startswith("timed-"):
        return
    card = _BY_SHORT_NAME.get(model.lower())
    near = difflib.get_close_matches(model.lower(), _BY_SHORT_NAME, n=1)
    meant = card or (_BY_SHORT_NAME[near[0]] if near else None)
    raise BadInput(
        f"There is no model {model!r}.",
        hint=f"Did you mean {meant.id}?"
        if meant
        else "List the known models with `vitrine models`.",
    )


def split_revision(model: str) -> tuple[str, str | None]:
    """Split a hub id from the revision to load: the one after `@`, else the pinned one, else None."""
    given, _, revision = model.partition(PINNED_AT)
    card = _BY_ID.get(given.lower())
    return given, revision or (card.revision if card else None)

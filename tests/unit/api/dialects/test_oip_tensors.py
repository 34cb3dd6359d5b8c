from __future__ import annotations

import base64
import gzip
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest
from fastapi.exceptions import RequestValidationError
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from api.dialects.oip.answers import write_answer
from api.dialects.oip.bodies import decoded_body
from api.dialects.oip.questions import questions
from api.dialects.oip.tensors import MAX_ELEMENTS, Tensor, read_request
from api.middleware.body_limit import JSON_BODY, BodyTooLarge
from vitrine.core.errors import BadInput, VitrineError
from vitrine.query.client import Query

PIXELS = np.arange(2 * 3 * 2 * 2, dtype=np.float32).reshape(2, 3, 2, 2)


def asked(
    data: Any, shape: list[int], datatype: str = "FP32", *, name: str = "IN", **members: Any
) -> bytes:
    given = {"name": name, "shape": shape, "datatype": datatype, "data": data}
    return json.dumps({"inputs": [given], **members}).encode()


def binary(raw: bytes, shape: list[int], datatype: str, **parameters: Any) -> tuple[bytes, str]:
    """Return a body with the tensor appended to the JSON, and the JSON's length."""
    told = {"binary_data_size": len(raw)} | parameters
    given = {"name": "IN", "shape": shape, "datatype": datatype, "parameters": told}
    head = json.dumps({"inputs": [given]}).encode()
    return head + raw, str(len(head))


def packed(*elements: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(one)) + one for one in elements)


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [PIXELS.tolist(), PIXELS.ravel().tolist()], ids=["nested", "flat"])
def test_numbers_in_json_may_be_nested_or_flat(data: Any) -> None:
    tensor = read_request(asked(data, [2, 3, 2, 2]), None).tensor
    assert isinstance(tensor.values, np.ndarray)
    assert tensor.values.dtype == np.float32
    np.testing.assert_array_equal(tensor.values, PIXELS)


def test_numbers_in_binary_are_little_endian_float32() -> None:
    tensor = read_request(*binary(PIXELS.astype("<f4").tobytes(), [2, 3, 2, 2], "FP32")).tensor
    np.testing.assert_array_equal(tensor.values, PIXELS)


def test_elements_of_bytes_come_in_both_forms() -> None:
    assert read_request(asked(["a", "ü"], [2], "BYTES"), None).tensor.values == [
        b"a",
        "ü".encode(),
    ]
    assert read_request(asked([["a"], ["b"]], [2, 1], "BYTES"), None).tensor.values == [b"a", b"b"]
    body, length = binary(packed(b"\x00\xff", b"", b"x"), [3], "BYTES")
    assert read_request(body, length).tensor.values == [b"\x00\xff", b"", b"x"]


def test_a_body_without_json_is_one_picture() -> None:
    read = read_request(b"\xff\xd8 picture", "0")
    assert read.tensor == Tensor("IMAGE", [b"\xff\xd8 picture"])
    assert (read.id, read.outputs, read.binary) == (None, (), False)


def test_id_outputs_and_parameters_are_read() -> None:
    body = asked(
        [1.0], [1], id="42", outputs=[{"name": "EMBEDDING", "parameters": {"binary_data": False}}],
        parameters={"binary_data_output": True, "timeout": 1_500_000, "priority": 3},
    )  # fmt: skip
    read = read_request(body, None)
    assert (read.id, read.binary, read.timeout) == ("42", True, 1.5)
    assert [one.name for one in read.outputs] == ["EMBEDDING"]


@pytest.mark.parametrize(
    ("body", "length", "said"),
    [
        (asked([1.0], [2]), None, "2 values, not 1"),
        (asked([1.0, 2.0], [1]), None, "1 values, not 2"),
        (asked([[1.0], [2.0, 3.0]], [3]), None, "differ in length"),
        (asked(["1"], [1]), None, "not all numbers"),
        (asked([True], [1]), None, "not all numbers"),
        (asked([10**400], [1]), None, "not all numbers"),
        (asked([1e300], [1]), None, "not finite"),
        (asked([1.0], [-1]), None, "negative"),
        (asked([1], [1], "INT64"), None, "INT64 is not taken"),
        (asked(None, [1]), None, "no data"),
        (asked([1], [1], "BYTES"), None, "strings"),
        (asked([""] * (MAX_ELEMENTS + 1), [MAX_ELEMENTS + 1], "BYTES"), None, "more than the 256"),
        (asked([1.0], [1], parameters={"sequence_id": 7}), None, "sequences"),
        (asked([1.0], [1]) + b"tail", str(len(asked([1.0], [1]))), "do not belong to any tensor"),
        (asked([1.0], [1]), "9999", "not a length of this body"),
        (asked([1.0], [1]), "-1", "not a length of this body"),
        (*binary(b"abcd", [2], "FP32"), "8 bytes, not 4"),
        (*binary(np.array([np.nan], "<f4").tobytes(), [1], "FP32"), "not finite"),
        (*binary(b"abcd", [1], "FP32", binary_data_size=3), "binary_data_size is 3"),
        (*binary(b"abcd", [1], "FP32", binary_data_size=2**70), "binary_data_size is"),
        (*binary(b"\x05\x00\x00\x00abc", [1], "BYTES"), "ends after the data"),
        (*binary(b"\xff\xff\xff\xff", [1], "BYTES"), "ends after the data"),
        (*binary(b"\x00", [1], "BYTES"), "ends after the data"),
        (*binary(packed(b"a", b"b"), [1], "BYTES"), "1 values, not 2"),
        (*binary(b"\x00" * 4 * 300, [300], "BYTES"), "more than the 256"),
    ],
    ids=range(25),
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_words(body: bytes, length: str | None, said: str) -> None:
    with pytest.raises((BadInput, RequestValidationError)) as refused:
        read_request(body, length)
    assert said in str(refused.value)


def test_two_inputs_are_refused_by_name() -> None:
    one = {"name": "A", "shape": [1], "datatype": "BYTES", "data": ["x"]}
    with pytest.raises(BadInput, match="2 inputs: A, B"):
        read_request(json.dumps({"inputs": [one, one | {"name": "B"}]}).encode(), None)


@given(st.binary(max_size=300), st.none() | st.text(max_size=5))
def test_no_bytes_are_a_fault_of_ours(body: bytes, length: str | None) -> None:
    try:
        read = read_request(body, length)
        questions(read.tensor)
    except (VitrineError, RequestValidationError):
        return
    assert length is not None


@given(st.binary(max_size=80), st.integers(0, 5))
def test_no_binary_elements_are_a_fault_of_ours(raw: bytes, count: int) -> None:
    try:
        values = read_request(*binary(raw, [count], "BYTES")).tensor.values
    except BadInput:
        return
    assert isinstance(values, list)
    assert packed(*values) == raw


# --- packed bodies --------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", [None, "", "identity", "gzip", "GZIP ", "deflate"])
def test_a_body_is_unpacked_as_it_says(encoding: str | None) -> None:
    packers: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
    }
    packer = packers.get((encoding or "").strip().lower(), bytes)
    assert decoded_body(packer(b"body" * 100), encoding) == b"body" * 100


def test_a_bomb_is_refused_as_too_large() -> None:
    bomb = gzip.compress(b"\x00" * (JSON_BODY + 1))
    assert len(bomb) < 100_000
    with pytest.raises(BodyTooLarge):
        decoded_body(bomb, "gzip")


def test_what_is_packed_otherwise_is_refused() -> None:
    with pytest.raises(BadInput, match="not gzip"):
        decoded_body(b"plain", "gzip")
    with pytest.raises(BadInput, match="ends too early"):
        decoded_body(gzip.compress(b"body" * 100)[:-10], "gzip")
    with pytest.raises(HTTPException) as refused:
        decoded_body(b"", "br")
    assert refused.value.status_code == 415


# --- questions ------------------------------------------------------------------------------------


def test_each_picture_of_pixels_is_a_question_of_its_own() -> None:
    assert questions(Tensor("PIXEL_VALUES", PIXELS)) == [Query.of_pixels(one) for one in PIXELS]
    assert questions(Tensor("any", PIXELS[0])) == [Query.of_pixels(PIXELS[0])]


def test_pictures_come_as_they_are_or_in_base64() -> None:
    picture = b"\x89PNG\r\n\x1a\n\x00\x01"
    text = base64.b64encode(picture)
    link = b"data:image/png;base64," + text
    found = questions(Tensor("anything", [picture, text, link, text[:7]]))
    assert found[:3] == [Query("image", picture)] * 3
    assert found[3] == Query("image", text[:7])  # which the worker will reject as not a picture


def test_the_name_tells_texts_and_urls_from_pictures() -> None:
    assert questions(Tensor("text", ["rote Schuhe ü".encode()])) == [
        Query("text", "rote Schuhe ü".encode())
    ]
    assert questions(Tensor("IMAGE_URL", [b"HTTPS://h/x.jpg"])) == [
        Query("url", b"HTTPS://h/x.jpg")
    ]


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        (Tensor("P", PIXELS[0, 0]), "FP32 [2, 2]"),
        (Tensor("P", PIXELS.reshape(2, 2, 3, 2)), "[n, 3, height, width]"),
        (Tensor("P", np.empty((0, 3, 2, 2), np.float32)), "[n, 3, height, width]"),
        (Tensor("P", np.zeros((MAX_ELEMENTS + 1, 3, 1, 1), np.float32)), "257 pictures"),
        (Tensor("I", []), "empty"),
        (Tensor("I", [b""]), "empty element"),
        (Tensor("URL", [b"file:///etc/passwd"]), "Only http"),
        (Tensor("URL", [b"\xff"]), "not UTF-8"),
        (Tensor("TEXT", [b"x" * 10_001]), "too long"),
    ],
    ids=range(9),
)
def test_what_is_no_question_is_refused(tensor: Tensor, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        questions(tensor)
    assert said in str(refused.value)


# --- writing --------------------------------------------------------------------------------------


def test_an_answer_has_its_tensors_in_json_or_behind_it() -> None:
    vectors = np.array([[0.6, 0.8], [1.0, 0.0]], np.float32)
    plain = write_answer({"model_name": "m"}, vectors, [("EMBEDDING", False)])
    assert plain.header_length is None
    assert orjson.loads(plain.body) == {
        "model_name": "m",
        "outputs": [
            {"name": "EMBEDDING", "datatype": "FP32", "shape": [2, 2], "data": [0.6, 0.8, 1.0, 0.0]}
        ],
    }
    both = write_answer({}, vectors, [("A", True), ("B", False), ("C", True)])
    assert both.header_length is not None
    told = orjson.loads(both.body[: both.header_length])["outputs"]
    assert [one.get("parameters") for one in told] == [
        {"binary_data_size": 16}, None, {"binary_data_size": 16},
    ]  # fmt: skip
    assert both.body[both.header_length :] == vectors.tobytes() * 2

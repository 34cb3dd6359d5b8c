"""Schemas of the Open Inference Protocol: requests and responses.

Additional fields and parameters that the protocol allows and this service does not use are ignored.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Parameters = dict[str, bool | int | float | str]


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class TensorIn(_Read):
    """One tensor of a request; its data is here or, with `binary_data_size`, after the JSON."""

    name: str = Field(max_length=200, examples=["PIXEL_VALUES"])
    shape: list[int] = Field(max_length=8, examples=[[1, 3, 224, 224]])
    datatype: str = Field(max_length=16, examples=["FP32"])
    parameters: Parameters = Field(default={}, max_length=32)
    data: Any = Field(default=None, description="In row-major order, flat or nested.")


class OutputIn(_Read):
    """A requested output tensor."""

    name: str = Field(max_length=200, examples=["EMBEDDING"])
    parameters: Parameters = Field(default={}, max_length=32)


class InferIn(_Read):
    """An inference request's JSON."""

    id: str | None = Field(default=None, max_length=200)
    parameters: Parameters = Field(default={}, max_length=32)
    inputs: list[TensorIn] = Field(min_length=1, max_length=16)
    outputs: list[OutputIn] = Field(default=[], max_length=4)


class TensorOut(BaseModel):
    """One tensor of a response; with `binary_data_size`, its data follows the JSON."""

    name: str
    datatype: str
    shape: list[int]
    parameters: Parameters | None = None
    data: list[float] | None = None


class InferOut(BaseModel):
    """An inference response's JSON."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[TensorOut]


class ServerOut(BaseModel):
    """The server's name and version, and the protocol extensions it supports."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(BaseModel):
    """An input or output by name; -1 means any length."""

    name: str
    datatype: str
    shape: list[int]


class ModelOut(BaseModel):
    """A model's inputs, of which a request gives one, and its output."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class IndexEntry(BaseModel):
    """A model that is ready."""

    name: str
    version: str
    state: Literal["READY"] = "READY"
    reason: str = ""


class Duration(BaseModel):
    """A count, and the total time in nanoseconds."""

    count: int
    ns: int


class InferenceStatistics(BaseModel):
    """The time spent on requests; waiting in the workers' queue is part of `compute_infer`."""

    success: Duration
    fail: Duration
    queue: Duration
    compute_input: Duration
    compute_infer: Duration
    compute_output: Duration
    cache_hit: Duration
    cache_miss: Duration


class ModelStatistics(BaseModel):
    """One model's requests since this API process started."""

    name: str
    version: str
    last_inference: int = Field(description="Unix milliseconds; 0 if there was none.")
    inference_count: int = Field(description="Pictures, texts and tensors embedded.")
    execution_count: int = Field(
        description="Requests executed. Workers may put several into one batch."
    )
    inference_stats: InferenceStatistics
    batch_stats: list[dict[str, Any]] = Field(
        default=[], description="Always empty: batches are formed in the workers."
    )


class StatisticsOut(BaseModel):
    """Statistics of one model, or of all models."""

    model_stats: list[ModelStatistics]

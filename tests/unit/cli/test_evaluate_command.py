"""`vitrine evaluate`: the input it reads, the queries it sends, and the results it counts and prints."""

from __future__ import annotations

import io
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from producer import CatalogOptions
from vitrine.cli import main
from vitrine.cli.evaluate import picture_keys
from vitrine.cli.evaluate import run as evaluation
from vitrine.cli.evaluate.labelled import LabelColumns, read_labelled
from vitrine.core.errors import BadInput, LedgerUnavailable
from vitrine.core.types import point_id
from vitrine.messaging.worker_registry import WorkerInfo
from vitrine.query.client import Query, QueryAnswer, QueryClient, QueryVector
from vitrine.store.base import (
    INDEX_FIELD,
    ITEM_FIELD,
    URL_FIELD,
    EmbeddingSpace,
    PointBatch,
    Provenance,
)
from vitrine.testing.fake_query_client import FakeQueryClient, fake_vector, fake_worker
from vitrine.testing.memory_store import MemoryStore

SPACE = EmbeddingSpace("made", "r1", "rgb-1", 8)
OTHER = EmbeddingSpace("other", "r1", "rgb-1", 8)
COLOURS = {"red": (200, 30, 30), "blue": (30, 30, 200), "green": (30, 160, 30)}
EACH = 6
FILES = CatalogOptions(allow_files=True)
PROVENANCE = Provenance("job", "made", "r1", "rgb-1", "0" * 64, None, "2026-01-01T00:00:00Z")


def unit(axis: int, noise: int) -> NDArray[np.float32]:
    vector = np.random.default_rng(noise).normal(0.0, 0.05, SPACE.dimension)
    vector[axis] += 1.0
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def jpeg(colour: tuple[int, int, int], number: int) -> bytes:
    """Draw a small picture that differs from all others."""
    written = io.BytesIO()
    Image.new("RGB", (24 + number, 24), colour).save(written, "JPEG")
    return written.getvalue()


class Lane(FakeQueryClient):
    """A worker for `made` that tells the colours apart and knows their names, and one for `other` that does neither."""

    def __init__(self, known: dict[bytes, NDArray[np.float32]]) -> None:
        made = fake_worker(SPACE, supports_text=True)
        super().__init__(made, fake_worker(OTHER, node="fake-other"), known=known)

    def _answer(self, worker: WorkerInfo, query: Query) -> QueryAnswer:
        if worker.space == OTHER:
            return QueryVector(fake_vector(query.data, OTHER.dimension), OTHER)
        return super()._answer(worker, query)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one folder of pictures per colour."""
    for colour, rgb in COLOURS.items():
        (tmp_path / "shop" / colour).mkdir(parents=True)
        for number in range(EACH):
            (tmp_path / "shop" / colour / f"{number}.jpg").write_bytes(jpeg(rgb, number))
    return tmp_path / "shop"


@pytest.fixture
def catalog(folder: Path) -> Path:
    """The same pictures as a CSV with two invalid rows."""
    rows = ["file,class,product,use"]
    for colour in COLOURS:
        for number in range(EACH):
            use = "train" if number < 3 else "val"
            rows.append(f"{colour}/{number}.jpg,{colour},{colour}{number // 2},{use}")
    rows += ["red/0.jpg,red,red0,train", "blue/1.jpeg,,blue9,val"]
    path = folder / "labels.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def query_client(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FakeQueryClient:
    """The query client behind the command. The worker for `other` does not see colours."""
    known: dict[bytes, NDArray[np.float32]] = {}
    for axis, colour in enumerate(COLOURS):
        known[f"A photo of {colour}.".encode()] = unit(axis, 0)
        for number in range(EACH):
            data = (folder / colour / f"{number}.jpg").read_bytes()
            known[data] = unit(axis, 1 + number)
    query_client = Lane(known)
    monkeypatch.setattr(QueryClient, "open", classmethod(lambda _cls, _settings: query_client))
    monkeypatch.setenv("VITRINE_DATA_DIR", str(folder.parent / "data"))
    return query_client


def told(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the command and return its exit code and JSON output."""
    done = CliRunner().invoke(main, ["evaluate", *arguments, "--json"])
    assert done.stdout, done.stderr
    answer: dict[str, Any] = orjson.loads(done.stdout)
    return done.exit_code, answer


def refused(*arguments: str) -> str:
    """Return the error message for bad input."""
    done = CliRunner().invoke(main, ["evaluate", *arguments])
    assert (done.exit_code, done.stdout) == (2, "")
    return done.stderr


@pytest.mark.usefixtures("query_client")
def test_a_folder_with_a_folder_for_each_class_is_measured(folder: Path) -> None:
    code, answer = told(
        str(folder), "--model", "made", "--train", "3", "--prompt", "A photo of {}."
    )
    measured = answer["evaluation"]
    assert (code, measured["pictures"], measured["classes"]) == (0, 18, 3)
    for name in ("few_shot", "leave_one_out", "zero_shot"):
        assert measured[name]["top1"]["share"] == 1.0
    assert measured["few_shot"]["top1"]["of"] == 9
    assert measured["retrieval"]["mean_average_precision"] > 0.99
    assert measured["model"] == {
        "model": "made", "revision": "r1", "policy": "rgb-1", "dimension": 8
    }  # fmt: skip
    assert (answer["against"], answer["comparison"], measured["index"]) == (None, None, None)
    assert answer["protocol"]["train"] == 3


def test_a_question_is_timed_with_pictures_that_the_worker_is_not_to_know(
    folder: Path, query_client: FakeQueryClient
) -> None:
    told(str(folder), "--model", "made")
    fresh = [query.fresh for _, query in query_client.asked if query.kind == "image"]
    assert fresh == [True] * 3 * EACH + [False] * 3 * EACH


@pytest.mark.usefixtures("query_client")
def test_rows_that_cannot_be_counted_are_told_and_the_others_measured(catalog: Path) -> None:
    arguments = [str(catalog), "--model", "made", "--id", "file", "--image", "file"]
    arguments += ["--group", "product", "--split", "use", "--train", "3"]
    code, answer = told(*arguments)
    assert code == 3
    assert answer["rejected"] == {"duplicate_picture": 1, "no_label": 1}
    assert answer["left_out"] == answer["rejected"]
    measured = answer["evaluation"]
    assert measured["pictures"] == 18
    # Pictures 0, 1 and 2 are for training; 3 shows the same product as 2.
    assert (measured["few_shot"]["top1"]["of"], measured["zero_shot"]["top1"]["of"]) == (6, 6)


@pytest.mark.usefixtures("query_client")
def test_a_picture_without_a_vector_is_named_and_left_out(folder: Path) -> None:
    (folder / "green" / "long.jpg").write_bytes(b"x" * 4_000_000)
    done = CliRunner(env={"VITRINE_FETCH_MAX_BYTES": "1000000"}).invoke(
        main, ["evaluate", str(folder), "--model", "made"]
    )
    assert done.exit_code == 3
    assert "green/long.jpg: The file has more than 1000000 bytes." in done.stderr
    assert "made: 18 pictures, 3 classes" in done.stdout
    assert re.search(
        r"^pictures measured +18 of 19 +left out: no_vector 1 *$", done.stdout, re.MULTILINE
    )


def labels_of_products(folder: Path, *more: str, head: str = "file,class,product_id") -> Path:
    """Write a file of labels, a row per picture and two pictures per product; every third row names no product."""
    rows = [head]
    for colour in COLOURS:
        for number in range(EACH):
            product = f"{colour}-{number // 2}" if number < 4 else ""
            rows.append(f"{colour}/{number}.jpg,{colour},{product}")
    path = folder / "products.csv"
    path.write_text("\n".join([*rows, *more]) + "\n")
    return path


@pytest.mark.usefixtures("query_client")
def test_rows_that_share_an_id_or_have_none_are_pictures(folder: Path) -> None:
    code, answer = told(str(labels_of_products(folder)), "--model", "made")
    assert (code, answer["rejected"], answer["left_out"]) == (0, {}, {})
    measured = answer["evaluation"]
    assert (measured["pictures"], measured["classes"]) == (18, 3)
    assert measured["leave_one_out"]["top1"]["of"] == 18


@pytest.mark.usefixtures("query_client")
def test_pictures_of_one_id_are_one_group_and_its_instances_where_it_is_the_label(
    folder: Path,
) -> None:
    labels = labels_of_products(folder)
    read = read_labelled(str(labels), FILES, LabelColumns(), limit=100, seed=0).pictures
    keys = {picture.key: picture.group for picture in read if picture.label == "red"}
    assert keys == {
        "red-0": "red-0", "red-0#1": "red-0", "red-1": "red-1", "red-1#1": "red-1",
        "(row 5)": "(row 5)", "(row 6)": "(row 6)",
    }  # fmt: skip
    code, answer = told(str(labels), "--model", "made", "--label", "product_id")
    assert (code, answer["rejected"]) == (3, {"no_label": 6})
    assert answer["evaluation"]["retrieval"]["questions"] == 12
    assert answer["evaluation"]["retrieval"]["recall_at_10"]["share"] == 1.0


@pytest.mark.usefixtures("query_client")
def test_a_file_of_pictures_and_labels_needs_no_id(folder: Path) -> None:
    path = folder / "two.csv"
    rows = [f"{colour}/{number}.jpg,{colour}" for colour in COLOURS for number in range(EACH)]
    path.write_text("\n".join(["file,label", *rows, rows[0]]) + "\n")
    code, answer = told(str(path), "--model", "made")
    assert (code, answer["rejected"]) == (3, {"duplicate_picture": 1})
    assert answer["evaluation"]["pictures"] == 18


@pytest.mark.usefixtures("query_client")
def test_the_table_says_what_was_left_out_and_why(folder: Path) -> None:
    more = ("red/0.jpg,red,red-0", "red/9.jpg,,red-9", ",red,red-8", "green/8.jpg,green,green-8")
    labels = labels_of_products(folder, *more)
    (folder / "green" / "8.jpg").write_bytes(b"x" * 4_000_000)
    done = CliRunner(env={"VITRINE_FETCH_MAX_BYTES": "1000000"}).invoke(
        main, ["evaluate", str(labels), "--model", "made", "--pictures", "15"]
    )
    assert done.exit_code == 3
    [row] = [line for line in done.stdout.splitlines() if line.startswith("pictures measured")]
    assert re.search(r"1[45] of 22 ", row)
    for why in ("duplicate_picture 1", "no_label 1", "no_image 1", "not_sampled 4"):
        assert why in row
    assert "'red-0' repeats 1 picture of an earlier row" in done.stderr
    assert "'red-9' has no class" in done.stderr


@pytest.mark.usefixtures("query_client")
def test_a_file_of_labels_that_broke_off_is_said_to_have_done_so(folder: Path) -> None:
    packer = zlib.compressobj(wbits=31)
    text = labels_of_products(folder).read_bytes() + b",,\n" * 20 + b"y," + b"z" * 100_000
    path = folder / "products.csv.gz"
    path.write_bytes(packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH))
    done = CliRunner().invoke(main, ["evaluate", str(path), "--model", "made"])
    assert done.exit_code == 3
    assert "The file broke off at line" in done.stderr
    assert "unreadable 1" in done.stdout


@pytest.mark.usefixtures("query_client")
def test_the_shared_labels_are_measured_whole(
    shared_data: Path, query_client: FakeQueryClient
) -> None:
    labels = shared_data / "labels.csv"
    code, answer = told(str(labels), "--model", "made", "--group", "product_id", "--train", "5")
    measured = answer["evaluation"]
    assert (code, answer["left_out"]) == (0, {})
    assert (measured["pictures"], measured["classes"]) == (394, 43)
    assert measured["retrieval"]["questions"] == 286  # As docs/quality.md says.


@pytest.mark.usefixtures("query_client")
def test_two_models_are_compared_on_the_same_pictures(folder: Path) -> None:
    code, answer = told(str(folder), "--model", "made", "--against", "other")
    assert code == 0
    duel = answer["comparison"]["leave_one_out_top1"]
    assert duel["only_first"] > 5
    assert (duel["only_second"], duel["p_value"] < 0.05) == (0, True)
    assert answer["against"]["model"]["model"] == "other"
    assert answer["against"]["zero_shot"] is None
    assert "no text tower" in " ".join(answer["against"]["notes"])


@pytest.mark.usefixtures("query_client")
def test_people_get_tables_and_a_page(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "worst.html"
    done = CliRunner().invoke(
        main,
        ["evaluate", str(folder), "--model", "other", "--against", "made", "--page", str(page)],
    )
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert any(line.startswith("leave-one-out kNN, top-1") for line in lines)
    assert any(line.startswith("embed a picture, p50") for line in lines)
    assert any("made is better" in line for line in lines)
    assert "pictures measured" not in done.stdout  # None was left out.
    written = page.read_text()
    assert written.count("<article>") > 5
    assert "data:image/jpeg;base64," in written


@pytest.fixture
def collection(folder: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """The folder's pictures in a collection, two per item."""
    store = MemoryStore()
    store.ensure("shop", SPACE)
    rows = [(colour, number) for colour in COLOURS for number in range(EACH)]
    items = [f"{colour}-{number // 2}" for colour, number in rows]
    indexes = [number % 2 for _, number in rows]
    batch = PointBatch(
        [point_id("shop", item, index) for item, index in zip(items, indexes, strict=True)],
        np.stack([unit(list(COLOURS).index(colour), 1 + number) for colour, number in rows]),
        items,
        indexes,
        [(folder / colour / f"{number}.jpg").as_uri() for colour, number in rows],
        [{"colour": colour} for colour, _ in rows],
        [PROVENANCE] * len(rows),
    )
    store.upsert("shop", batch)
    monkeypatch.setattr(evaluation, "open_store", lambda _settings: store)
    return store


@pytest.mark.usefixtures("query_client", "collection")
def test_a_collection_is_labelled_by_a_field_of_its_own() -> None:
    code, answer = told("--collection", "shop", "--label", "colour", "--train", "2")
    measured = answer["evaluation"]
    assert (code, measured["pictures"], measured["classes"]) == (0, 18, 3)
    assert measured["leave_one_out"]["top1"]["share"] == 1.0
    assert measured["zero_shot"]["top1"]["share"] == 1.0
    assert measured["index"]["recall_at_10"] == 1.0
    assert measured["index"]["approximate"]["questions"] == 15


@pytest.mark.usefixtures("query_client", "collection")
def test_a_collection_without_labels_is_asked_for_its_items() -> None:
    code, answer = told("--collection", "shop")
    measured = answer["evaluation"]
    assert (code, measured["classes"], measured["leave_one_out"]) == (0, 9, None)
    assert measured["retrieval"]["questions"] == 18
    assert "other pictures of their item" in measured["notes"][0]


@pytest.mark.usefixtures("query_client")
def test_a_collection_of_items_with_one_picture_each_has_nothing_to_find(
    collection: MemoryStore,
) -> None:
    firsts = [point for point in collection.scroll("shop") if point.payload[INDEX_FIELD] == 0]
    items = [str(point.payload[ITEM_FIELD]) for point in firsts]
    collection.ensure("single", SPACE)
    batch = PointBatch(
        [point_id("single", item, 0) for item in items],
        np.stack([point.vector for point in firsts]),
        items,
        [0] * len(items),
        [str(point.payload[URL_FIELD]) for point in firsts],
        [{}] * len(items),
        [PROVENANCE] * len(items),
    )
    collection.upsert("single", batch)
    done = CliRunner().invoke(main, ["evaluate", "--collection", "single"])
    assert done.exit_code == 0, done.output
    assert not [line for line in done.stdout.splitlines() if line.startswith(("recall", "mAP"))]
    assert "No item has a second picture" in done.stderr


@pytest.mark.usefixtures("query_client")
def test_a_page_that_cannot_be_written_is_named_before_anything_is_embedded(
    folder: Path, query_client: FakeQueryClient
) -> None:
    page = folder / "none" / "worst.html"
    assert "cannot be written" in refused(str(folder), "--model", "made", "--page", str(page))
    assert query_client.asked == []


@pytest.mark.usefixtures("query_client", "collection")
def test_labels_of_a_catalog_meet_the_points_of_a_collection(tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    rows = [f"{colour}-{n},{n}.jpg,{colour}" for colour in COLOURS for n in range(3)]
    labels.write_text("\n".join(["id,image,label", *rows, "sold-out,x.jpg,red"]) + "\n")
    code, answer = told(str(labels), "--collection", "shop")
    assert (code, answer["rejected"]) == (3, {"not_in_collection": 1})
    assert answer["evaluation"]["pictures"] == 9
    assert answer["evaluation"]["leave_one_out"]["top1"]["share"] == 1.0


@pytest.mark.usefixtures("query_client", "collection")
def test_rows_that_share_an_id_meet_the_points_of_their_item_in_order(tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    rows = [f"{c}-{n // 2},{n}.jpg,{c}" for c in COLOURS for n in range(EACH)]
    rows[0] = rows[0].rpartition(",")[0] + ","  # A picture without a label keeps its position.
    labels.write_text("\n".join(["id,image,label", *rows]) + "\n")
    code, answer = told(str(labels), "--collection", "shop")
    assert (code, answer["rejected"]) == (3, {"no_label": 1})
    assert answer["evaluation"]["pictures"] == 17
    assert answer["evaluation"]["leave_one_out"]["top1"]["share"] == 1.0


@pytest.mark.usefixtures("query_client", "collection")
def test_points_without_the_label_or_outside_the_sample_are_left_out(
    collection: MemoryStore,
) -> None:
    code, answer = told("--collection", "shop", "--label", "colour", "--pictures", "12")
    assert (code, answer["left_out"]) == (0, {"not_sampled": 6})
    [first, *_] = collection.scroll("shop")
    batch = PointBatch(
        [point_id("shop", "bare", 0)], np.stack([first.vector]), ["bare"], [0], ["file:///x"],
        [{}], [PROVENANCE],
    )  # fmt: skip
    collection.upsert("shop", batch)
    code, answer = told("--collection", "shop", "--label", "colour")
    assert (code, answer["rejected"]) == (3, {"no_label": 1})


@pytest.mark.usefixtures("collection")
def test_a_collection_is_measured_where_no_worker_and_no_queue_is(
    monkeypatch: pytest.MonkeyPatch, query_client: FakeQueryClient
) -> None:
    query_client.failure = LedgerUnavailable("Redis does not answer.")
    code, answer = told("--collection", "shop", "--label", "colour")
    assert (code, answer["evaluation"]["zero_shot"]) == (0, None)
    assert answer["evaluation"]["leave_one_out"]["top1"]["share"] == 1.0


@pytest.mark.usefixtures("query_client", "collection")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Give a CATALOG, or --collection"),
        (["--collection", "shop", "--model", "made"], "a collection already has a model"),
        (["--collection", "nowhere"], "no collection 'nowhere'"),
        (["--collection", "shop", "--label", "size"], "has size"),
        (["--collection", "shop", "--prompt", "A photo."], "no placeholder for the class"),
        (["FOLDER", "--model", "made", "--label", "size"], "has no column 'size'; it has folder, id"),
        (["FOLDER/labels.csv", "--model", "made", "--id", "product", "--image", "file", "--label", "x"], "no column 'x'"),
        (["FOLDER/nothing.csv"], "There is no file"),
        (["FOLDER", "--model", "made", "--class-names", "FOLDER/names.txt"], "names.txt:2: expected a label"),
        (["FOLDER", "--model", "made", "--class-names", "FOLDER/none.txt"], "No such file"),
    ],
    ids=[
        "nothing", "two-models", "no-collection", "no-field", "no-place", "no-folder-column", "no-column", "no-file",
        "bad-names", "no-names",
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_name(
    catalog: Path, arguments: list[str], said: str
) -> None:
    (catalog.parent / "names.txt").write_text("red the colour red\nblue\n")
    given = [argument.replace("FOLDER", str(catalog.parent)) for argument in arguments]
    assert said in refused(*given)


@pytest.mark.usefixtures("query_client")
def test_a_model_without_a_worker_is_named_before_anything_is_embedded(
    folder: Path, query_client: FakeQueryClient
) -> None:
    done = CliRunner().invoke(
        main, ["evaluate", str(folder), "--model", "made", "--against", "away"]
    )
    assert (done.exit_code, done.stdout, query_client.asked) == (1, "", [])
    assert "vitrine worker --model away" in done.stderr


@pytest.mark.usefixtures("query_client")
def test_classes_are_called_by_the_names_given(folder: Path, query_client: FakeQueryClient) -> None:
    names = folder.parent / "names.txt"
    names.write_text("red\tscarlet, a red\nblue navy\nblack coal\n")
    told(str(folder), "--model", "made", "--class-names", str(names))
    asked = {query.data.decode() for _, query in query_client.asked if query.kind == "text"}
    assert asked == {
        f"A photo of {words}." for words in ("scarlet, a red", "navy", "green", "coal")
    }


def test_too_many_shared_ids_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_keys, "MAX_SHARED_IDS", 5)
    with pytest.raises(BadInput, match="More than 5 ids have several rows each"):
        read_labelled(str(labels_of_products(folder)), FILES, LabelColumns(), limit=9, seed=0)

"""Examples for the end of each command's `--help`; a test checks each against the command's real options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

EXAMPLES: Mapping[str, Sequence[str]] = {
    "submit": (
        "vitrine submit catalog.csv --collection shop --dry-run",
        "vitrine submit catalog.csv --collection shop --wait",
        "vitrine submit feed.jsonl.gz --collection shop --id sku --image main_image --image gallery",
        "vitrine submit catalog.csv --resume c5120fd647bb",
    ),
    "jobs": ("vitrine jobs", "vitrine jobs --limit 5 --json"),
    "status": ("vitrine status c5120fd647bb --wait",),
    "failures": (
        "vitrine failures c5120fd647bb",
        "vitrine failures c5120fd647bb --reason not_found --csv",
    ),
    "retry": (
        "vitrine retry c5120fd647bb",
        "vitrine retry c5120fd647bb --host cdn.example --wait",
    ),
    "cancel": ("vitrine cancel c5120fd647bb",),
    "search": (
        "vitrine search --collection shop --image dress.jpg",
        'vitrine search --collection shop --text "red dress" --filter \'{"price": {"lt": 60}}\'',
        "vitrine search --collection shop --item sku-1 --unlike sku-7 --relevant",
    ),
    "embed": (
        "vitrine embed front.jpg back.jpg --output vectors.npy",
        'vitrine embed --text "red dress"',
    ),
    "score": ("vitrine score pairs.csv --image picture --text caption --compare",),
    "dedupe": (
        "vitrine dedupe --collection shop",
        "vitrine dedupe --collection shop --page copies.html",
    ),
    "evaluate": (
        "vitrine evaluate labels.csv --group product_id --model ./models/dinov2-base",
        "vitrine evaluate --collection shop --label category",
    ),
    "worker": (
        "vitrine worker --model google/siglip2-base-patch16-224 --device cuda:0",
        "vitrine worker --devices all",
    ),
    "api": ("vitrine api", "vitrine api --host 0.0.0.0 --port 8080"),
    "standalone": (
        "vitrine standalone",
        "vitrine standalone --model google/siglip2-base-patch16-224 --data-dir ./data",
    ),
    "store": ("vitrine store --path ./vectors --port 6400",),
    "settings": (
        "vitrine settings --changed",
        "vitrine settings redis",
        "vitrine --config shop.toml settings --json",
    ),
    "keys": ("vitrine keys new shop --scope read --scope submit",),
    "models": ("vitrine models", "vitrine models google/siglip2-base-patch16-224"),
    "flower": ("vitrine flower --port 5555",),
    "top": ("vitrine top", "vitrine top --once"),
    "doctor": ("vitrine doctor", "vitrine doctor --load --json"),
    "demo": ("vitrine demo", "vitrine demo --catalog ./pictures --data-dir demo"),
}

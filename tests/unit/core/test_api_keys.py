from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from pydantic import SecretStr

from vitrine.core.api_keys import (
    PREFIX,
    ApiKey,
    Keyring,
    Scope,
    new_key,
    read_keyring,
    require_keys_unless_loopback,
)
from vitrine.core.errors import EXIT_USAGE, BadInput
from vitrine.core.settings import Settings

DIGEST = hashlib.sha256(b"anything").hexdigest()


def read(text: str = "", file: Path | None = None) -> Keyring:
    return read_keyring(Settings(api_keys=SecretStr(text), api_keys_file=file))


def test_a_new_key_has_256_random_bits_behind_a_prefix_that_scanners_know() -> None:
    made = {new_key("shop", [Scope.READ])[0] for _ in range(50)}
    assert len(made) == 50
    for key in made:
        assert key.startswith(PREFIX)
        assert len(bytes.fromhex(key.removeprefix(PREFIX))) == 32


def test_what_is_kept_is_the_digest_that_any_tool_computes() -> None:
    key, kept = new_key("shop", [Scope.SUBMIT, Scope.READ])
    assert kept.entry == f"shop:read+submit:{hashlib.sha256(key.encode()).hexdigest()}"
    assert key not in repr(kept)
    assert kept.digest not in repr(kept)


def test_an_entry_makes_its_key_known() -> None:
    key, kept = new_key("shop", [Scope.READ])
    ring = read(f" {kept.entry} , other:admin:{DIGEST},")
    assert ring.find(key) == kept
    assert ring.find("anything") == ApiKey("other", frozenset({Scope.ADMIN}), DIGEST)


@pytest.mark.parametrize("presented", ["", "x", PREFIX, PREFIX + "0" * 64, DIGEST, "\udcff"])
def test_nothing_else_is_known(presented: str) -> None:
    _, kept = new_key("shop", [Scope.READ])
    assert read(f"{kept.entry},other:admin:{DIGEST}").find(presented) is None


def test_keys_stand_in_a_file_too_with_comments(tmp_path: Path) -> None:
    first, second = (new_key(name, [Scope.READ]) for name in ("one", "two"))
    path = tmp_path / "keys"
    path.write_text(f"# the shop's\n\n{first[1].entry}\n")
    ring = read(second[1].entry, path)
    assert (ring.find(first[0]), ring.find(second[0])) == (first[1], second[1])


@pytest.mark.parametrize(
    ("held", "asked", "allowed"),
    [
        ({Scope.READ}, Scope.READ, True),
        ({Scope.READ}, Scope.SUBMIT, False),
        ({Scope.SUBMIT}, Scope.READ, False),
        ({Scope.READ, Scope.SUBMIT}, Scope.ADMIN, False),
        ({Scope.ADMIN}, Scope.READ, True),
        ({Scope.ADMIN}, Scope.SUBMIT, True),
    ],
)
def test_admin_alone_has_what_it_does_not_name(
    held: set[Scope], asked: Scope, allowed: bool
) -> None:
    assert ApiKey("k", frozenset(held), DIGEST).allows(asked) is allowed


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("shop", "entry 1 is not a valid key"),
        (f"a:read:{DIGEST},b:read:abc", "entry 2 is not a valid key"),
        (f"Shop:read:{DIGEST}", "entry 1 is not a valid key"),
        (f"shop:write:{DIGEST}", "not one of read, submit, admin"),
        (f"shop::{DIGEST}", "not one of read, submit, admin"),
        (f"a:read:{DIGEST},a:admin:{DIGEST}", "entry 2 has a name"),
        (f"shop:read:{PREFIX}{'0' * 64}", "contains a key"),
    ],
)
def test_an_entry_that_is_none_is_named_by_its_place_and_never_shown(text: str, told: str) -> None:
    with pytest.raises(BadInput, match=told) as refused:
        read(text)
    assert DIGEST not in str(refused.value)
    assert "0" * 64 not in str(refused.value)


def test_a_line_that_is_none_is_named_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("# mine\nnonsense\n")
    with pytest.raises(BadInput, match=r"keys, line 2, is not a valid key"):
        read(file=path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=r"VITRINE_API_KEYS_FILE: .*keys cannot be read"):
        read(file=path)


@pytest.mark.parametrize("name", ["", "Shop", "a:b", "a,b", "-x", "x" * 64, "a\n"])
def test_a_name_that_an_entry_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="cannot be called"):
        new_key(name, [Scope.READ])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "shop.example", "0x7f.1", ""])
def test_beyond_this_machine_nothing_stands_open(host: str) -> None:
    with pytest.raises(BadInput, match="open to everyone") as refused:
        require_keys_unless_loopback(host, Keyring())
    assert "vitrine keys new" in str(refused.value)
    assert refused.value.exit_code == EXIT_USAGE
    require_keys_unless_loopback(host, Keyring([ApiKey("k", frozenset({Scope.READ}), DIGEST)]))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_on_loopback_no_key_is_needed(host: str) -> None:
    require_keys_unless_loopback(host, Keyring())


def test_blank_variables_are_as_if_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEYS", "API_KEYS_FILE", "API_KEY", "AUDIT_LOG", "API_PROXIES"):
        monkeypatch.setenv(f"VITRINE_{name}", "")
    settings = Settings()
    assert (settings.api_keys_file, settings.api_key, settings.audit_log) == (None, None, None)
    assert settings.api_trusted_proxies == ()
    assert not read_keyring(settings)

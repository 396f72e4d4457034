"""Keyed pseudonyms: HMAC-SHA256 of a name, the same for the same key, and of no use without it (RFC 2104)."""

import hashlib
import os
import secrets
from pathlib import Path

from lake.catalog import Catalog
from lake.contract import Feed, Table
from lake.storage import Lake

ENTRY = "pseudonym-key"
"""Transaction entry of a table: the fingerprint of the key that its pseudonyms were made with."""
KEY_BYTES = 32
BLOCK_BYTES = 64
LENGTH = 12


class KeyLost(Exception):
    """The key that a table's pseudonyms were made with isn't there, or another one is."""


def has_pseudonyms(feed: Feed) -> bool:
    """Whether a feed holds names that get a pseudonym."""
    return any(c.pseudonymous for c in feed.columns)


def key_for(file: Path, catalog: Catalog, lake: Lake) -> bytes:
    """The key in `file`, made on first use. Raises KeyLost where a table was already made with another one."""
    used = {t.name: made for t in catalog.tables.values() if _of_persons(catalog, t) and (made := _fingerprint_of(lake, t)) is not None}
    key = _read(file)
    if key is None and not used:
        key = _make(file)
    wrong = [name for name, made in used.items() if key is None or made != fingerprint(key)]
    if key is None or wrong:
        what = f"{file} is missing" if key is None else f"{file} holds another key"
        raise KeyLost(
            f"{what} than the one that made the pseudonyms in {', '.join(sorted(wrong))}; put the key back from the backup "
            "(LAKE_KEY_FILE says where it is looked for): no new key is made, since it would turn every person into another one"
        )
    return key


def fingerprint(key: bytes) -> int:
    """A number that tells keys apart and tells nothing of them."""
    return int.from_bytes(hashlib.sha256(b"fingerprint" + key).digest()[:8]) >> 1


def expression(value: str, key: bytes) -> str:
    """Spark SQL for the pseudonym of the text that `value` gives: the first hexadecimal digits of its HMAC; null stays null."""
    padded = key.ljust(BLOCK_BYTES, b"\0")
    inner, outer = (bytes(b ^ pad for b in padded).hex() for pad in (0x36, 0x5C))
    digest = f"sha2(concat(X'{inner}', encode({value}, 'UTF-8')), 256)"
    return f"left(sha2(concat(X'{outer}', unhex({digest})), 256), {LENGTH})"


def _of_persons(catalog: Catalog, table: Table) -> bool:
    return any(has_pseudonyms(catalog.feeds[r.table]) for r in table.inputs if r.table in catalog.feeds)


def _fingerprint_of(lake: Lake, table: Table) -> int | None:
    head = lake.open(table)
    return head.entry(ENTRY) if head else None


def _read(file: Path) -> bytes | None:
    try:
        key = bytes.fromhex(file.read_text().strip())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise KeyLost(f"{file} holds no key ({error}); put it back from the backup") from error
    if len(key) != KEY_BYTES:
        raise KeyLost(f"{file} holds {len(key)} bytes instead of {KEY_BYTES}; put it back from the backup")
    return key


def _make(file: Path) -> bytes:
    """A new key, readable by its owner only; of two processes that come here at once one wins, and both use its key."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
    part.touch(mode=0o600)
    part.write_text(secrets.token_hex(KEY_BYTES) + "\n")
    try:
        os.link(part, file)
    except FileExistsError:
        pass
    finally:
        part.unlink()
    return _read(file) or _make(file)

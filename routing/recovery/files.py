"""Files that only their owner may read, and that are never there by half."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from routing.recovery import Refused

CHUNK = 1 << 20


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """
    Give an empty private file to write to; it gets its name when the block ends without an error.

    On an error it is removed, and a crash leaves it under the name that ends in `.part`.

    :raises Refused: if the name is taken, or nobody can write there
    """
    if path.exists():
        raise Refused(f"{path} is there already, and nothing is overwritten. Choose another name.")
    part = path.with_name(f"{path.name}.part")
    try:
        # What a crash has left is nobody's.
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise Refused(f"{path.parent} cannot be written to: {error.strerror}.") from error
    try:
        yield part
        settle(part)
        part.rename(path)
        settle(path.parent)
    finally:
        part.unlink(missing_ok=True)


def settle(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def sha256(path: Path) -> str:
    """The digest of a file's bytes, in hex."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            found.update(piece)
    return found.hexdigest()

"""Reads files of the project folder, whatever somebody has put there, without waiting for anything."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

_MEGABYTE: Final = 1_000_000
_KINDS: Final = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def read_file(path: Path, megabytes: int) -> bytes:
    """Return what is in a regular file, or in the one that a link leads to.

    Raises OSError, whose `strerror` says why not: for anything that could block or never end (a pipe, a device), and
    for a file that has more megabytes than that.
    """
    _check_kind(path, path.stat())  # opening a device may do something by itself
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb") as file:
        _check_kind(path, os.fstat(descriptor))
        content = file.read(megabytes * _MEGABYTE + 1)
    if len(content) > megabytes * _MEGABYTE:
        message = f"it has more than {megabytes} MB, and no file of this kind needs that"
        raise OSError(errno.EFBIG, message, str(path))
    return content


def _check_kind(path: Path, status: os.stat_result) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        message = f"it is {_KINDS.get(kind, 'something else')}, and only a regular file is read"
        raise OSError(errno.EINVAL, message, str(path))

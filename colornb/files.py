"""Files that appear whole or not at all, and folders that one process works in at a time."""

import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from colornb.errors import ColornbError, NotWrittenError


def replace_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` make a file beside `path`, flushes it to the disk and moves it into place.

    Raises:
        NotWrittenError: it could not be written; what was at `path` before is still there.
    """
    with _written(path, write) as partial:
        partial.replace(path)


def create_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """The same for a file that must not be there before: of two processes, one is the first.

    Raises:
        NotWrittenError: it could not be written.
        ColornbError: there is a file at `path`, which stays as it is.
    """
    with _written(path, write) as partial:
        try:
            path.hardlink_to(partial)  # unlike a move, never over another file
        except FileExistsError:
            raise ColornbError(
                f"{path} exists already: move it away or choose another folder."
            ) from None
        except OSError:  # a disk without links
            partial.replace(path)


@contextmanager
def _written(path: Path, write: Callable[[Path], object]) -> Iterator[Path]:
    """The file that `write` has made beside `path`, to be moved; what is left of it goes away."""
    partial = path.with_name(f"{path.name}.{socket.gethostname()}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        yield partial
    except (OSError, RuntimeError) as error:  # RuntimeError: torch's word for a full disk
        raise NotWrittenError(
            f"{path} could not be written ({error}): make room or choose another folder, and run "
            "again; what was there before is kept."
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink()


def make_folder(path: Path) -> None:
    """Makes a folder and those above it, if they are not there.

    Raises:
        NotWrittenError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotWrittenError(
            f"The folder {path} cannot be made ({error}): make room, or see that it is ours to "
            "write."
        ) from error


@contextmanager
def locked(path: Path, sentence: str) -> Iterator[TextIO]:
    """Holds the lock on the file `path`, which ends with this process, however it ends.

    Yields the open file: a child that inherits it holds the lock as well.

    Raises:
        NotWrittenError: the folder cannot be written.
        ColornbError: `sentence`; another process holds the lock.
    """
    make_folder(path.parent)
    try:
        file = path.open("w")
    except OSError as error:
        raise NotWrittenError(
            f"{path.parent} cannot be written ({error}): make room, or choose a folder that is "
            "ours to write."
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ColornbError(sentence) from None
        yield file

"""Files that appear whole or not at all, and folders that one process works in at a time."""

import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from typing import TextIO

from colornb.errors import ColornbError, NotWrittenError


def replace_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` make a file beside `path`, flushes it to the disk and moves it into place.

    What a process that was killed while it wrote `path` has left there is removed.

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
    partial = path.with_name(_name(path, os.getpid()))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path)
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


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """A new folder beside `path`, for what is to be moved there, that goes away at the end.

    One that a killed process has left is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear(path)
    folder = path.with_name(_name(path, os.getpid()))
    folder.mkdir()
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)


def _name(path: Path, process: int | str) -> str:
    """Name of what a process of this machine makes beside `path`."""
    return f"{path.name}.{socket.gethostname()}.{process}.partial"


def _clear(path: Path) -> None:
    """Removes what processes that are no more have left beside `path`."""
    start, end = _name(path, "/").split("/")
    for other in path.parent.iterdir():
        process = other.name.removeprefix(start).removesuffix(end)
        if other.name == start + process + end and process.isdigit() and not _runs(int(process)):
            rmtree(other) if other.is_dir() else other.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    """Whether there is a process of that number on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return True


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

"""Files that appear whole or not at all."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from colornb.errors import NotWrittenError


def replace_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` make a file beside `path`, flushes it to the disk and moves it into place.

    What a process that was killed while it wrote `path` has left there is removed.

    Raises:
        NotWrittenError: it could not be written; what was at `path` before is still there.
    """
    ours = f"{path.name}.{socket.gethostname()}."
    partial = path.with_name(f"{ours}{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for other in path.parent.iterdir():
            process = other.name.removeprefix(ours).removesuffix(".partial")
            if other.name.startswith(ours) and process.isdigit() and not _runs(int(process)):
                other.unlink()
        write(partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: torch's word for a full disk
        raise NotWrittenError(
            f"{path} could not be written ({error}): make room or choose another folder, and run "
            "again; what was there before is kept."
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink()


def _runs(process: int) -> bool:
    """Whether there is a process of that number on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return True

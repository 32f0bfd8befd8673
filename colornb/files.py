"""Files that appear whole or not at all."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from colornb.errors import NotWrittenError


def replace_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` make a file beside `path`, flushes it to the disk and moves it into place.

    Raises:
        NotWrittenError: it could not be written; what was at `path` before is still there.
    """
    partial = path.with_name(f"{path.name}.{socket.gethostname()}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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

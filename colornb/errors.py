"""The one exception that the package raises for bad input."""


class ColornbError(Exception):
    """Bad input or a missing file, told in one sentence that names the remedy.

    The command line prints the sentence without a traceback and exits with 1.
    """


class NotWrittenError(ColornbError):
    """A file could not be written: the disk is full, or the folder is not ours."""

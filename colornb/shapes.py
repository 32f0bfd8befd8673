"""Whether what was read from a file is built as it has to be: `study.yaml`, records, the manifest.

A shape is a mapping of names to shapes, where `*` is any name and what ends in `?` may be missing;
a list of one shape, that of all its values; or a type. The type `int` is a whole number from 0 on,
and `float` any number.
"""

import re
from typing import Any


class WrongShape(Exception):
    """Where something is wrong, and what, in words: `chapters.03_gan lacks 'sets'`."""

    def __init__(self, place: str, problem: str):
        super().__init__(f"{place or 'it'} {problem}")


def check(found: Any, shape: Any, place: str = "") -> None:
    """Raises WrongShape unless what was found at a place is of the shape."""
    if isinstance(shape, dict):
        if not isinstance(found, dict):
            raise WrongShape(place, f"must be a mapping, not {type(found).__name__}")
        inner = {name.removesuffix("?"): one for name, one in shape.items()}
        for name in shape:
            if name not in ("*", *found) and not name.endswith("?"):
                raise WrongShape(place, f"lacks {name!r}")
        for name, value in found.items():
            if not (isinstance(name, str) and re.fullmatch(r"\w+", name)):
                raise WrongShape(place, "has a name that is not of letters, digits and _")
            if name not in inner and "*" not in inner:
                raise WrongShape(place, f"has {name!r}, but may only have {', '.join(inner)}")
            check(value, inner.get(name, inner.get("*")), f"{place}.{name}".lstrip("."))
    elif isinstance(shape, list):
        if not isinstance(found, list):
            raise WrongShape(place, f"must be a list, not {type(found).__name__}")
        for value in found:
            check(value, shape[0], place)
    elif shape is int:
        if type(found) is not int or not 0 <= found < 2**32:
            raise WrongShape(place, "must be a whole number from 0 to 4294967295")
    elif shape is float:
        if type(found) is not float and (type(found) is not int or abs(found) >= 2**63):
            raise WrongShape(place, "must be a number")
    elif not isinstance(found, shape):
        kind = "text" if shape is str else str(shape).replace(" | ", ", ")
        raise WrongShape(place, f"must be {kind}, not {type(found).__name__}")

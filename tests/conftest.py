"""What all tests share: one thread per library, no window for figures, and the small study."""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "agg")

from hypothesis import settings  # noqa: E402
from small_study import smoke  # noqa: E402, F401

# A busy machine is no failure, and the same examples every time are a fair gate.
settings.register_profile("colornb", deadline=None, derandomize=True)
settings.load_profile("colornb")


def pytest_collection_modifyitems(items):
    """The file that takes longest comes first, so that no core waits for it at the end."""
    items.sort(key=lambda item: item.path.stem != "test_smoke")

"""How the process keeps memory that it is done with."""

from __future__ import annotations

import ctypes
from contextlib import suppress

#: Bytes that are kept at the end of a heap, and of the largest array that is taken from one; glibc's numbers of both.
KEPT, LARGEST = 256 << 20, 64 << 20
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def keep_pages() -> None:
    """Let arrays of a block take the pages of those of the block before.

    For a process of our own only, as it is the whole process that keeps them. glibc gives the pages of large arrays
    back and gets them anew, zeroed: 8 % of a run of one functie over 176 million cells, measured in four pairs.
    Elsewhere this does nothing.
    """
    with suppress(OSError, TypeError, AttributeError):  # no C library to be had by this name, or one without the call
        told = ctypes.CDLL(None).mallopt
        told(_MMAP_THRESHOLD, LARGEST)
        told(_TRIM_THRESHOLD, KEPT)

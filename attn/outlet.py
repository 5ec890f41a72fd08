"""Standard output that takes no more."""

import errno

FULL = "standard output cannot be written (no space left)"


def is_full(error: Exception) -> bool:
    """Whether an error tells that; errors of files say their name."""
    return isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None

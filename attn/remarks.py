"""What is said beside the output of a command."""

import sys


def warn(text: str) -> None:
    """A line to standard error."""
    sys.stderr.write(f"{text}\n")

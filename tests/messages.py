"""Whole error messages, as patterns."""

import re


def exactly(message):
    """What ``pytest.raises(match=...)`` needs to accept this message and no other."""
    return f"^{re.escape(message)}$"

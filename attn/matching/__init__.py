"""Widths and steps at which the variants of a sweep cost the same, to be compared fairly."""

"""Pictures of positions, masks and alignments, as PNG or SVG."""

"""Pictures of positions, masks and alignments, as PNG or SVG."""

ENDINGS = (".png", ".svg")  # of files
ALL, MEAN = "all", "mean"  # layers and heads

"""From the folders of runs to a table of variants."""

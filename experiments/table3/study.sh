#!/usr/bin/env bash
# The rows of table 3, small, with the seeds SEEDS, or else 1. What was stopped goes on, and what is trained is left alone.
set -euo pipefail
source "$(dirname "$0")/../begin.sh"

while IFS=, read -r _ arguments _; do
  # shellcheck disable=SC2086  # a row is several arguments, or none
  train ablations -m experiment=ablations seed="${SEEDS:-1}" $arguments "$@"
done < <(tail -n +2 "$here/rows.csv")
evaluate ablations test,longer
base=$(python "$here/directions.py" base)
table results.csv attn compare runs="$out/ablations" split=[test,longer] baseline="$base" report="$tables/table3.html" format=csv
table directions.md python "$here/directions.py" "$tables/results.csv"
finish

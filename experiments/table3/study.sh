#!/usr/bin/env bash
# The rows of table 3, small, with the seeds SEEDS, or else 1. What was stopped goes on, and what is trained is left alone.
set -euo pipefail
source experiments/begin.sh
here=experiments/table3
runs=outputs/ablations

while IFS=, read -r _ arguments _; do
  # shellcheck disable=SC2086  # a row is several arguments, or none
  attn train -m experiment=ablations seed="${SEEDS:-1}" $arguments "$@" < /dev/null
done < <(tail -n +2 $here/rows.csv)
attn evaluate -m run="$(each $runs/*/seed-*)" split=test,longer samples=0
base=$(python $here/directions.py base)
table "$here/results.csv" attn compare runs=$runs split=[test,longer] baseline="$base" report=$runs.html format=csv
table "$here/directions.md" python $here/directions.py

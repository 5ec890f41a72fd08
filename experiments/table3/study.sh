#!/usr/bin/env bash
# The rows of table 3, small, with the seeds SEEDS, or else 1. What was stopped goes on, and what is trained is left alone.
set -euo pipefail
rows=$(dirname "$0")/rows.csv
own="seed $(tail -n +2 "$rows" | cut -d, -f2 | grep -oE "[a-z_.]+=" | tr -d = | sort -u | xargs)"
source "$(dirname "$0")/../begin.sh"

while IFS=, read -r _ arguments _; do
  # shellcheck disable=SC2086  # a row is several arguments, or none
  train ablations experiment=ablations seed="${SEEDS:-1}" $arguments "$@"
done < <(tail -n +2 "$rows")
evaluate ablations test,longer
base=$(python "$here/directions.py" base)
table results.csv compare ablations split=[test,longer] baseline="$base" \
  report="$tables/table3.html"
table directions.md python "$here/directions.py" "$tables/results.csv"
finish

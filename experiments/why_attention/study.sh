#!/usr/bin/env bash
# One vector, attention, attention alone. What was stopped goes on, and what is trained is left alone.
set -euo pipefail
for argument in "$@"; do
  case $argument in output=* | study=*) echo "$argument: the study has folders of its own" >&2; exit 2 ;; esac
done
attn=${ATTN:-.venv/bin/attn}
here=experiments/why_attention
runs=outputs/why_attention

$attn train experiment=why_attention "$@"
for run in $runs/*/seed-*; do
  for split in test longer; do
    $attn evaluate run="$run" split=$split samples=0
  done
done
$attn compare runs=$runs split=[test,longer] baseline=model=sutskever format=csv > $here/results.csv
for split in test longer; do
  bounds=$([ $split = test ] && echo 4,8,12 || echo 18,20,22)
  $attn compare runs=$runs split=$split by=length "bounds=[$bounds]" format=csv > $here/by-length-$split.csv
done
for run in $runs/*/seed-1; do
  variant=$(basename "$(dirname "$run")")
  name=${variant%-*}  # without what tells its configuration from others
  $attn profile run="$run" table=speed lengths=[8,16,32,64,128,256] format=csv > "$here/speed-$name.csv"
  $attn profile run="$run" table=layers lengths=[16,64,256] format=csv > "$here/layers-$name.csv"
  $attn reach run="$run" split=longer by=relative format=csv > "$here/reach-$name.csv"
done

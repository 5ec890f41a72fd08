#!/usr/bin/env bash
# Position schemes on sequences of up to four times the length of training. What was stopped goes on, and what is
# trained is left alone. TASKS=copy repeats one of two.
set -euo pipefail
source experiments/begin.sh
here=experiments/positions

for task in ${TASKS:-copy reverse}; do
  runs=outputs/positions-$task
  attn train experiment=length_extrapolation dataset=$task study=positions-$task "$@"
  attn evaluate -m run="$(each $runs/*/seed-*)" split=test,longer,longest samples=0
  table "$here/$task.csv" attn compare runs=$runs split=[test,longer,longest] baseline=position=sinusoidal \
    report=$runs.html format=csv
  for split in test longer longest; do
    case $split in test) bounds=8,12,16 ;; longer) bounds=16,24,32 ;; longest) bounds=32,48,64 ;; esac
    table "$here/$task-$split.csv" attn compare runs=$runs split=$split by=length "bounds=[$bounds]" format=csv
  done
done
panels=()
for task in copy reverse; do
  if [ -e $here/$task-test.csv ]; then panels+=("$task: $task-test.csv $task-longer.csv $task-longest.csv"); fi
done
python experiments/by_length.py $here/quality.png position "${panels[@]}"

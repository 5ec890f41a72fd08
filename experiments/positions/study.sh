#!/usr/bin/env bash
# Position schemes on sequences of up to four times the length of training. What was stopped goes on, and what is
# trained is left alone. TASKS=copy repeats one of two.
set -euo pipefail
own="dataset"
source "$(dirname "$0")/../begin.sh"

words TASKS "${TASKS:-}" copy reverse
panels=()
for task in ${TASKS:-copy reverse}; do
  study=positions-$task
  train $study experiment=length_extrapolation dataset="$task" "$@"
  evaluate $study test,longer,longest
  table $task.csv compare $study split=[test,longer,longest] baseline=position=sinusoidal \
    report="$tables/$task.html"
  for split in test longer longest; do
    case $split in test) bounds=8,12,16 ;; longer) bounds=16,24,32 ;; longest) bounds=32,48,64 ;; esac
    table $task-$split.csv compare $study split=$split by=length "bounds=[$bounds]"
  done
  panels+=("$task: $task-test.csv $task-longer.csv $task-longest.csv")
done
python "$experiments/by_length.py" "$tables/quality.png" position "${panels[@]}"
finish

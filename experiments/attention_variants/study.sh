#!/usr/bin/env bash
# Self-attentions, and attentions to the source, of as many parameters. What was stopped goes on, and what is trained is
# left alone.
set -euo pipefail
for argument in "$@"; do
  case $argument in output=* | study=*) echo "$argument: the study has folders of its own" >&2; exit 2 ;; esac
done
attn=${ATTN:-.venv/bin/attn}
python=$(dirname "$attn")/python
here=experiments/attention_variants

for study in attention_variants cross_attention_variants; do
  role=$([ $study = attention_variants ] && echo attention || echo cross_attention)
  $attn train experiment=$study "$@"
  for run in outputs/$study/*/seed-*; do
    for split in test longer deeper; do
      $attn evaluate run="$run" split=$split samples=0
    done
  done
  $attn compare runs=outputs/$study split=[test,longer,deeper] \
    baseline=$role=softmax format=csv > $here/$study.csv
  $python $here/steps_to.py outputs/$study 50 > $here/$study-steps.csv
done

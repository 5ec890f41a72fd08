#!/usr/bin/env bash
# Self-attentions, and attentions to the source, of as many parameters. What was stopped goes on, and what is trained is
# left alone.
set -euo pipefail
source experiments/begin.sh
here=experiments/attention_variants

for study in attention_variants cross_attention_variants; do
  role=$([ $study = attention_variants ] && echo attention || echo cross_attention)
  $attn train experiment=$study "$@"
  $attn evaluate -m run="$(each outputs/$study/*/seed-*)" split=test,longer,deeper samples=0
  $attn compare runs=outputs/$study split=[test,longer,deeper] \
    baseline=$role=softmax format=csv > $here/$study.csv
  $python $here/steps_to.py outputs/$study 50 > $here/$study-steps.csv
done

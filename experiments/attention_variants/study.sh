#!/usr/bin/env bash
# Self-attentions, and attentions to the source, of as many parameters; then six self-attentions on Multi30k, from the folder
# DATA or else fetched. What was stopped goes on, and what is trained is left alone.
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
real=outputs/attention_variants_multi30k
$attn train experiment=attention_variants_multi30k ${DATA:+"dataset.root=$DATA"} "$@"
$attn evaluate -m run="$(each $real/*/seed-*)" split=test_2016_flickr samples=0
$attn compare runs=$real split=test_2016_flickr metrics=[BLEU,chrF] baseline=attention=softmax format=csv > $here/multi30k.csv
$python $here/plot.py

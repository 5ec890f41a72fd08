#!/usr/bin/env bash
# Self-attentions, and attentions to the source, of as many parameters; then six self-attentions on Multi30k, from the folder
# DATA or else fetched. What was stopped goes on, and what is trained is left alone.
set -euo pipefail
source experiments/begin.sh
here=experiments/attention_variants

for study in attention_variants cross_attention_variants; do
  role=$([ $study = attention_variants ] && echo attention || echo cross_attention)
  attn train experiment=$study "$@"
  attn evaluate -m run="$(each outputs/$study/*/seed-*)" split=test,longer,deeper samples=0
  table "$here/$study.csv" attn compare runs=outputs/$study split=[test,longer,deeper] baseline=$role=softmax \
    report=outputs/$study.html format=csv
  table "$here/$study-steps.csv" python $here/steps_to.py outputs/$study 50
done
# What was best, with other seeds, and with feed-forward networks as wide as softmax's.
again=outputs/attention_variants_again
attn train -m experiment=attention_variants attention=softmax,gaussian,dynconv seed=3,4,5 match=null \
  study=attention_variants_again "$@"
attn evaluate -m run="$(each $again/*/seed-*)" split=test,longer,deeper samples=0
table "$here/again.csv" attn compare runs=$again split=[test,longer,deeper] baseline=attention=softmax \
  report=$again.html format=csv
real=outputs/attention_variants_multi30k
attn train experiment=attention_variants_multi30k ${DATA:+"dataset.root=$DATA"} "$@"
attn evaluate -m run="$(each $real/*/seed-*)" split=test_2016_flickr samples=0
table "$here/multi30k.csv" attn compare runs=$real split=test_2016_flickr metrics=[BLEU,chrF] baseline=attention=softmax \
  report=$real.html format=csv
python $here/plot.py

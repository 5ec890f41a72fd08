#!/usr/bin/env bash
# Six self-attentions on Multi30k, from the folder DATA or else fetched; then all self-attentions, and all attentions to the
# source, of as many parameters, on the grammar. What was stopped goes on, and what is trained is left alone.
set -euo pipefail
own="attention cross_attention seed match"
source "$(dirname "$0")/../begin.sh"

study=attention_variants_multi30k
train $study experiment=$study ${DATA:+"dataset.root=$DATA"} "$@"
evaluate $study test_2016_flickr
table multi30k.csv compare $study split=test_2016_flickr metrics=[BLEU,chrF] baseline=attention=softmax \
  report="$tables/multi30k.html"
for study in attention_variants cross_attention_variants; do
  role=$([ $study = attention_variants ] && echo attention || echo cross_attention)
  train $study experiment=$study "$@"
  evaluate $study test,longer,deeper
  table $study.csv compare $study split=[test,longer,deeper] baseline=$role=softmax \
    report="$tables/$study.html"
  table $study-steps.csv python "$here/steps_to.py" "$out/$study" 50
done
# What was best, with other seeds, and with feed-forward networks as wide as softmax's.
study=attention_variants_again
train $study experiment=attention_variants attention=softmax,gaussian,dynconv seed=3,4,5 match=null "$@"
evaluate $study test,longer,deeper
table again.csv compare $study split=[test,longer,deeper] baseline=attention=softmax \
  report="$tables/again.html"
python "$here/plot.py" "$tables"
finish

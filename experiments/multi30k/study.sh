#!/usr/bin/env bash
# The published recipe on tokenized, lower-cased text, then raw, cased text. DATA is a folder that has Multi30k; without
# it, the corpus is fetched. The last LAST checkpoints, or else 10, are averaged. What was stopped goes on, and what is
# trained is left alone. TEXTS=raw repeats one of two.
set -euo pipefail
own="dataset.text"
source "$(dirname "$0")/../begin.sh"

words TEXTS "${TEXTS:-}" tokenized raw
for text in ${TEXTS:-tokenized raw}; do
  study=multi30k-$text
  train $study experiment=multi30k dataset.text="$text" ${DATA:+"dataset.root=$DATA"} "$@"
  settle $study
  attn average run="$out/$study" last="${LAST:-10}"
  for checkpoint in best average; do
    for search in greedy beam; do
      attn evaluate run="$out/$study" split=test_2016_flickr checkpoint=$checkpoint search=$search samples=0
    done
  done
  table $text.csv compare $study split=test_2016_flickr metrics=[BLEU,chrF,TER] \
    report="$tables/$text.html"
  table $text-scores.csv python "$experiments/scores.py" "$out/$study"
  table $text-curve.csv python "$here/curve.py" "$out/$study"
done
python "$here/plot.py" "$tables"
finish

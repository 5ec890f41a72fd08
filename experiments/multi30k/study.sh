#!/usr/bin/env bash
# The published recipe on tokenized, lower-cased text, then raw, cased text. DATA is a folder that has Multi30k; without
# it, the corpus is fetched. What was stopped goes on, and what is trained is left alone.
set -euo pipefail
source experiments/begin.sh
here=experiments/multi30k

for text in ${TEXTS:-tokenized raw}; do
  study=multi30k-$text
  attn train experiment=multi30k dataset.text=$text study=$study ${DATA:+"dataset.root=$DATA"} "$@"
  attn average run=outputs/$study last=10
  for checkpoint in best average; do
    for search in greedy beam; do
      attn evaluate run=outputs/$study split=test_2016_flickr checkpoint=$checkpoint search=$search samples=0
    done
  done
  table "$here/$text.csv" attn compare runs=outputs/$study split=test_2016_flickr metrics=[BLEU,chrF,TER] \
    report=outputs/$study.html format=csv
  table "$here/$text-scores.csv" python experiments/scores.py outputs/$study
  table "$here/$text-curve.csv" python $here/curve.py outputs/$study
done
python $here/plot.py

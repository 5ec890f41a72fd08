#!/usr/bin/env bash
# One vector, attention, attention alone: on Multi30k, from the folder DATA or else fetched, then on the grammar. What was
# stopped goes on, and what is trained is left alone.
set -euo pipefail
own="model attention model.dim match seed"
source "$(dirname "$0")/../begin.sh"

real=why_attention_multi30k
train $real experiment=$real ${DATA:+"dataset.root=$DATA"} "$@"
evaluate $real test_2016_flickr
table multi30k.csv compare $real split=test_2016_flickr baseline=model=sutskever report="$tables/multi30k.html"
table multi30k-beside-tiny.csv compare $real split=test_2016_flickr baseline=model=tiny
table by-length-multi30k.csv compare $real split=test_2016_flickr by=length bounds=[8,10,12,14,20]

grammar=why_attention
train $grammar experiment=$grammar "$@"
evaluate $grammar test,longer
for run in "$out/$grammar"/*/seed-*; do
  case $run in *-none-none-*) continue ;; esac  # no attention, and so no alignment
  for split in test longer; do attn align run="$run" split=$split > /dev/null; done
done
table scores.csv python "$experiments/scores.py" "$out/$grammar"
table results.csv compare $grammar split=[test,longer] baseline=model=sutskever report="$tables/results.html"
table beside-tiny.csv compare $grammar split=[test,longer] baseline=model=tiny
table by-length-test.csv compare $grammar split=test by=length bounds=[4,8,12,16]
table by-length-longer.csv compare $grammar split=longer by=length bounds=[16,18,20,22,24]
for variant in "$out/$grammar"/*-*; do
  run=$variant/seed-2  # seed 1 of luong_general did not learn to align
  [ -e "$run" ] || run=$(ls -d "$variant"/seed-* | head -n 1)
  name=$(basename "${variant%-*}")  # without what tells its configuration from others
  table speed-$name.csv attn profile run="$run" table=speed lengths=[8,16,32,64,128,256] format=csv
  table layers-$name.csv attn profile run="$run" table=layers lengths=[16,64,256] format=csv
  table reach-$name.csv attn reach run="$run" split=longer by=relative format=csv
done

# The model with additive attention without it, wider, so that it has as many parameters.
without=why_attention_without
train $without experiment=$grammar model=bahdanau attention=none model.dim=146 match=null seed=1,2,3 "$@"
evaluate $without test,longer
additive=$(ls -d "$out/$grammar"/recurrent-additive-*)
table without.csv attn compare runs="['$additive','$out/$without']" split=[test,longer] baseline=attention=none format=csv

python "$experiments/by_length.py" "$tables/quality.png" model "grammar, 3 seeds: by-length-test.csv by-length-longer.csv" \
  "Multi30k, 1 seed: by-length-multi30k.csv"
python "$here/plot.py" "$tables"
finish

#!/usr/bin/env bash
# One vector, attention, attention alone: the grammar, then Multi30k, from the folder DATA or else fetched. What was
# stopped goes on, and what is trained is left alone.
set -euo pipefail
source experiments/begin.sh
here=experiments/why_attention
grammar=outputs/why_attention
real=outputs/why_attention_multi30k

attn train experiment=why_attention "$@"
attn evaluate -m run="$(each $grammar/*/seed-*)" split=test,longer samples=0
for run in $grammar/*/seed-*; do
  case $run in *-none-none-*) continue ;; esac  # no attention, and so no alignment
  for split in test longer; do attn align run="$run" split=$split > /dev/null; done
done
table "$here/scores.csv" python experiments/scores.py $grammar
table "$here/results.csv" attn compare runs=$grammar split=[test,longer] baseline=model=sutskever \
  report=$grammar.html format=csv
table "$here/beside-tiny.csv" attn compare runs=$grammar split=[test,longer] baseline=model=tiny format=csv
for split in test longer; do
  bounds=$([ $split = test ] && echo 4,8,12,16 || echo 16,18,20,22,24)
  table "$here/by-length-$split.csv" attn compare runs=$grammar split=$split by=length "bounds=[$bounds]" format=csv
done
for run in $grammar/*/seed-2; do  # seed 1 of luong_general did not learn to align
  variant=$(basename "$(dirname "$run")")
  name=${variant%-*}  # without what tells its configuration from others
  table "$here/speed-$name.csv" attn profile run="$run" table=speed lengths=[8,16,32,64,128,256] format=csv
  table "$here/layers-$name.csv" attn profile run="$run" table=layers lengths=[16,64,256] format=csv
  table "$here/reach-$name.csv" attn reach run="$run" split=longer by=relative format=csv
done

# The model with additive attention without it, wider, so that it has as many parameters.
without=outputs/why_attention_without
attn train -m experiment=why_attention model=bahdanau attention=none model.dim=146 match=null seed=1,2,3 \
  study=why_attention_without "$@"
attn evaluate -m run="$(each $without/*/seed-*)" split=test,longer samples=0
table "$here/without.csv" attn compare runs="[$(echo $grammar/recurrent-additive-*),$without]" split=[test,longer] \
  baseline=attention=none format=csv

attn train experiment=why_attention_multi30k ${DATA:+"dataset.root=$DATA"} "$@"
attn evaluate -m run="$(each $real/*/seed-*)" split=test_2016_flickr samples=0
table "$here/multi30k.csv" attn compare runs=$real split=test_2016_flickr baseline=model=sutskever \
  report=$real.html format=csv
table "$here/beside-tiny-multi30k.csv" attn compare runs=$real split=test_2016_flickr baseline=model=tiny format=csv
table "$here/by-length-multi30k.csv" attn compare runs=$real split=test_2016_flickr by=length "bounds=[8,10,12,14,20]" format=csv
python experiments/by_length.py $here/quality.png model "grammar, 3 seeds: by-length-test.csv by-length-longer.csv" \
  "Multi30k, 1 seed: by-length-multi30k.csv"
python $here/plot.py

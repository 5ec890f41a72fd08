#!/usr/bin/env bash
# The rows of table 3, small. What was stopped goes on, and what is trained is left alone.
set -euo pipefail
source experiments/begin.sh
here=experiments/table3
runs=outputs/ablations
layers() { echo "model.encoder_layers=$1 model.decoder_layers=$1"; }

# As in the paper heads share the width, a row of (B) narrows the keys alone, and one of (C) changes one size.
rows=(
  ""
  "model.heads=1" "model.heads=2" "model.heads=8" "model.heads=16"
  "attention.head_dim=8 attention.value_dim=32" "attention.head_dim=16 attention.value_dim=32"
  "$(layers 1)" "$(layers 2)" "$(layers 4)"
  "model.dim=64" "model.dim=256"
  "model.feedforward_dim=256" "model.feedforward_dim=1024"
  "model.dropout=0.0" "model.dropout=0.2"
  "loss.label_smoothing=0.0" "loss.label_smoothing=0.2"
  "position=learned"
  "model.dim=256 model.feedforward_dim=1024 model.heads=8 model.dropout=0.3"
)
for row in "${rows[@]}"; do
  # shellcheck disable=SC2086  # a row is several arguments
  $attn train -m experiment=ablations seed=1,2 $row "$@"
done
$attn evaluate -m run="$(each $runs/*/seed-*)" split=test,longer samples=0
$attn compare runs=$runs split=[test,longer] format=csv > $here/results.csv

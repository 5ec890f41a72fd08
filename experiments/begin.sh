# What every study.sh begins with: its folders, and the attn that it calls, of .venv or else ATTN.
# OUT is the folder of its runs and tables, or else outputs; arguments go to every training.
for argument in "$@"; do
  case $argument in
    output=* | study=*) echo "$argument: the study has folders of its own; OUT=FOLDER puts them elsewhere" >&2; exit 2 ;;
  esac
done
here=$(dirname "$(readlink -f "$0")")
experiments=$(dirname "$here")
found=$(command -v "${ATTN:-$experiments/../.venv/bin/attn}") || {
  echo "${ATTN:-.venv/bin/attn}: there is no such program; run make install, or name another by ATTN=" >&2; exit 2
}
program=$(readlink -f "$found")
out=${OUT:-outputs}
tables=$out/$(basename "$here")-tables
mkdir -p "$tables"

attn() { "$program" "$@"; }
# The Python that has attn.
python() { "$(dirname "$program")/python" "$@"; }

# Train some runs of a study: train STUDY ARGUMENT...
train() {
  local study=$1; shift
  attn train output="$out" study="$study" "$@" < /dev/null
}

# Wait for what another process trains of a study; end if a run of it has not come to its end then.
settle() {
  local states
  while states=$(attn status "$out/$1" format=csv | cut -d, -f4); grep -qx running <<< "$states"; do
    echo "waiting for runs of $out/$1 that another process trains"
    sleep 20
  done
  if grep -qxE "interrupted|failed" <<< "$states"; then
    echo "$out/$1: has runs that are not at their end (attn status $out/$1 names them);" \
      "train them to it by the same command, delete them, or begin anew in OUT=FOLDER" >&2
    exit 1
  fi
}

# Score all runs of a study: evaluate STUDY SPLIT,SPLIT
evaluate() {
  settle "$1"
  local runs; runs=$(printf ",'%s'" "$out/$1"/*/seed-*)
  attn evaluate -m run="choice(${runs#,})" split="$2" samples=0
}

# Write a table when all of it is there: table FILE COMMAND...
table() {
  local file=$tables/$1; shift
  "$@" > "$file.$$" && mv "$file.$$" "$file"
}

# Say where everything is: the last line of every study.
finish() { echo "tables, pictures and pages are in $tables"; }

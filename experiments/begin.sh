# What every study.sh begins with: its folders, and the attn that it calls, of .venv or else ATTN.
# OUT is the folder of its runs and tables, or else outputs; arguments go to every training, but for those of "own",
# options that the study sets itself.
for argument in "$@"; do
  case " $own " in *" ${argument%%=*} "*) echo "$argument: the study sets ${argument%%=*} itself" >&2; exit 2 ;; esac
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
interpreter=$(dirname "$program")/python
[ -x "$interpreter" ] || {
  echo "$program: there is no python beside it; name the attn of a venv by ATTN=" >&2; exit 2
}
out=${OUT:-outputs}
case $out in *\'*) echo "OUT=$out: holds a quote; give a folder without one" >&2; exit 2 ;; esac
tables=$out/$(basename "$here")-tables
mkdir -p "$tables"

attn() { "$program" "$@"; }
# The Python that has attn.
python() { "$interpreter" "$@"; }

# Refuse what is none of some words: words NAME GIVEN WORD...
words() {
  local name=$1 given=$2 word; shift 2
  for word in $given; do
    case " $* " in *" $word "*) continue ;; esac
    echo "$name=$given: $word is none of: $*; several are parted by spaces" >&2; exit 2
  done
}

# Train some runs of a study: train STUDY ARGUMENT...
train() {
  local study=$1; shift
  attn train -m output="$out" study="$study" "$@" < /dev/null
}

# Wait for what another process trains of a study; end if a run of it has not come to its end then.
settle() {
  local states
  while true; do
    states=$(attn status "$out/$1" format=csv |
      python -c 'import csv, sys; print(*(row["state"] for row in csv.DictReader(sys.stdin)), sep="\n")')
    grep -qx running <<< "$states" || break
    echo "waiting for runs of $out/$1 that another process trains"
    sleep 20
  done
  if grep -qvxE "finished|planned" <<< "$states"; then
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

# What the runs of a study come to, as csv: compare STUDY OPTION...
compare() {
  local study=$1; shift
  attn compare runs="$out/$study" format=csv "$@"
}

# Write a table when all of it is there: table FILE COMMAND...
table() {
  local file=$tables/$1; shift
  "$@" > "$file.$$" && mv "$file.$$" "$file" || { rm -f "$file.$$"; return 1; }
}

# Say where everything is: the last line of every study.
finish() { echo "tables, pictures and pages are in $tables"; }

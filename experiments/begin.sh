# What every study.sh begins with: it has folders of its own, and calls the attn of .venv, or ATTN.
for argument in "$@"; do
  case $argument in output=* | study=*) echo "$argument: the study has folders of its own" >&2; exit 2 ;; esac
done
program=$(command -v "${ATTN:-.venv/bin/attn}") || {
  echo "${ATTN:-.venv/bin/attn}: there is no such program; run make install, or name another by ATTN=" >&2; exit 2
}
attn() { "$program" "$@"; }
# The Python that has attn.
python() { "$(dirname "$program")/python" "$@"; }
# Paths as the values of an option that is swept.
each() { local IFS=,; echo "choice($*)"; }
# Write a table when all of it is there.
table() { local file=$1; shift; "$@" > "$file.new" && mv "$file.new" "$file"; }

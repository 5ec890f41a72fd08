"""``attn completion SHELL``: the script that lets a shell ask for the rest of a command line."""

import importlib
import sys
from collections.abc import Sequence

from attn.words import suggest

PURPOSE = "print a script that lets the shell complete commands, parts and options at TAB"
ASK = "query"  # what the scripts say, and people do not
HELP = f"""\
attn completion: {PURPOSE}

usage: attn completion SHELL

shells: a line for the shell's start-up file, or for now
  bash  eval "$(attn completion bash)"   in ~/.bashrc
  zsh   eval "$(attn completion zsh)"    in ~/.zshrc

TAB then completes commands, parts and places (attention@cross_attention=), options of the parts
that the line has chosen (attn train model=base model.), their values, flags, and paths. Parts in
--config-dir are among them; those of plugins=[MODULE] are not, since no module is imported for it.
"""
BASH = r"""
_attn_completion() {
    local line=${COMP_LINE:0:COMP_POINT}
    local typed=${line##*[[:space:]]} one
    local kept=${typed%"${typed##*["$COMP_WORDBREAKS"]}"}
    COMPREPLY=()
    while IFS= read -r one; do
        if [[ $one == "<files>" ]]; then
            compopt -o default +o nospace
        else
            COMPREPLY+=("${one#"$kept"}")
        fi
    done < <("$1" completion query "$line")
} 2>/dev/null
complete -o nospace -F _attn_completion attn
"""
ZSH = r"""
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
_attn_completion() {
    local one line="${(j: :)words[1,CURRENT-1]} $PREFIX"
    local -a finished open
    for one in "${(@f)$("${words[1]}" completion query "$line" 2>/dev/null)}"; do
        case $one in
            ('<files>') compset -P '*='; _files; return ;;
            (*' ') finished+=("${one% }") ;;
            (?*) open+=("$one") ;;
        esac
    done
    compadd -S ' ' -a finished
    compadd -S '' -a open
}
compdef _attn_completion attn
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH}


def main(arguments: Sequence[str]) -> int:
    """Print a shell's script, the help, or the answers to a line that a script asks about."""
    if {"-h", "--help"} & set(arguments):
        sys.stdout.write(HELP)
    elif len(arguments) == 2 and arguments[0] == ASK:
        answers = importlib.import_module("attn.completion").answers
        sys.stdout.write("".join(f"{answer}\n" for answer in answers(arguments[1])))
    elif len(arguments) == 1 and arguments[0] in SCRIPTS:
        sys.stdout.write(SCRIPTS[arguments[0]].lstrip())
    else:
        sys.stderr.write(_problem(arguments))
        return 2
    return 0


def _problem(arguments: Sequence[str]) -> str:
    if not arguments:
        return f"attn completion: needs the shell; write one of {', '.join(SCRIPTS)} behind it\n"
    if arguments[0] in SCRIPTS:
        return f"{arguments[1]}: attn completion takes the shell alone\n"
    return f"{arguments[0]}: no such shell here; {suggest(arguments[0], SCRIPTS)}\n"

"""The blocks of a page of docs/, run as a reader would: its commands and its Python, in order."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from attn.cli import main

BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"[|><;*$]")
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def commands(text):
    """The commands of a block of shell: single lines, or one that holds a document or a loop."""
    return re.findall(r"^(?:for .*?^done$|cat > .*?^END$|[^\n]+)$", text, re.MULTILINE | re.DOTALL)


def run(command):
    """The exit code of a command; of this program's in this process, where no shell is needed."""
    program, *arguments = shlex.split(command) if "\n" not in command else [""]
    if program == "attn" and not SHELL.search(QUOTED.sub("", command)):
        return main(arguments)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command], check=False, env={**os.environ, "PATH": path}
    ).returncode


def run_page(page, folder, said):
    """Run the blocks in a folder, all output going to a file; a block may be only composed."""
    os.chdir(folder)
    with Path(said).open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    known = {}
    for language, how, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            exec(compile(text, str(page), "exec"), known)
            continue
        assert language == "bash"
        expected = int(how.removeprefix(" exits with ")) if "exits" in how else 0
        for command in commands(text):
            shown = f"{command} --cfg job" if how == " composed" else command
            code = run(shown)
            assert code == (expected if command.startswith("attn ") else 0), (command, code)

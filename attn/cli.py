"""The command line, ``attn COMMAND KEY=VALUE ... [-m]``: help, exit codes, and what goes where.

Nothing heavy is imported here, so that help comes at once; `attn.launch` does the work.
"""

import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import attn
from attn import flags, outlet, shells, usage
from attn.interrupt import SIGNALLED, SIGNALS

INTERRUPTED = SIGNALLED + signal.SIGINT
STDERR = 2  # the number of its file
FAILED, WRONG_INPUT = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Returns:
        0; 1 if the run failed; 2 if the input is wrong; 129, 130 or 143 if it was interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    heard = [one for one in SIGNALS if signal.getsignal(one) is not signal.SIG_IGN]
    before = {one: signal.signal(one, _end) for one in heard}
    try:
        code = _dispatch(given)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        _say_no_more()
        return 0
    except OSError as error:
        if not outlet.is_full(error):
            raise
        sys.stderr.write(f"attn: {outlet.FULL}\n")
        _say_no_more()
        return FAILED
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    else:
        return code
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _say_no_more() -> None:
    """Nothing more is written to standard output, not even at the end of the process."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end(signum: int, frame: FrameType | None) -> None:
    """End as a signal asks; at once inside an import, which would take an exception for its own.

    What is buffered is lost then: nothing is shown yet while modules are loaded.
    """
    said = "interrupted\n" if signum == signal.SIGINT else "terminated\n"
    if _is_importing(frame):
        with contextlib.suppress(OSError):  # the terminal may be gone
            os.write(STDERR, said.encode())
        os._exit(SIGNALLED + signum)
    signal.signal(signum, signal.SIG_DFL)  # where a library takes the exception, once more ends it
    if signum == signal.SIGINT:
        raise KeyboardInterrupt
    with contextlib.suppress(OSError):
        sys.stderr.write(said)
    sys.exit(SIGNALLED + signum)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__") == "importlib._bootstrap":
            return True
        frame = frame.f_back
    return False


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        sys.stdout.write(usage.overview())
        return 0
    if arguments[0] in {"-V", "--version"}:
        sys.stdout.write(f"attn {attn.__version__}\n")
        return 0
    command, *rest = arguments
    if command == "completion":
        return shells.main(rest)
    commands = usage.commands()
    if command not in commands:
        sys.stderr.write(usage.unknown_command(command, [*commands, "completion"]))
        return WRONG_INPUT
    asked, overrides, problems = flags.parse(rest)
    if asked.help:
        sys.stdout.write(usage.command_help(command))
        return 0
    launch = importlib.import_module("attn.launch").launch
    code: int = launch(command, flags.named(command, overrides), asked, problems)
    return code

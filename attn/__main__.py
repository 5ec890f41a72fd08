"""``attn`` and ``python -m attn``; Ctrl-C ends them quietly while the program is being imported."""

import importlib
import signal
import sys


def main() -> int:
    """Run a command line; see ``attn.cli``."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    cli = importlib.import_module("attn.cli")
    signal.signal(signal.SIGINT, before)
    code: int = cli.main()
    return code


if __name__ == "__main__":
    sys.exit(main())

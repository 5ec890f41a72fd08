"""Modules of the user's own."""

import hashlib
import importlib
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

NOT_THEIRS = (Path(__file__).parent, Path(sys.prefix), Path(sys.base_prefix))


def load(modules: Sequence[str]) -> list[str]:
    """Import modules from ``sys.path`` or the current directory; a line for each that fails."""
    here = str(Path.cwd())
    if modules and here not in sys.path:
        sys.path.append(here)
    return [problem for module in modules if (problem := _import(module))]


def files(modules: Sequence[str]) -> list[Path]:
    """The source files of loaded modules, and of the user's other modules beside them."""
    tops = [sys.modules[name.partition(".")[0]] for name in modules if name in sys.modules]
    roots = [Path(top.__file__).parent for top in tops if top.__file__]
    every = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return [
        Path(file)
        for file in every
        if file and "site-packages" not in file and any(r in Path(file).parents for r in roots)
    ]


def checksums(modules: Sequence[str]) -> dict[str, str]:
    """The checksums of these files, by name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files(modules)}


def where(error: BaseException) -> str:
    """The last line of a user's file that was at work, if any; a SyntaxError says it itself."""
    frames = traceback.extract_tb(error.__traceback__)
    users = [
        (path, frame.lineno)
        for frame in frames
        if (path := Path(frame.filename)).is_file()
        and not any(path.is_relative_to(folder) for folder in NOT_THEIRS)
    ]
    return f" ({users[-1][0].name}, line {users[-1][1]})" if users else ""


def _import(module: str) -> str | None:
    try:
        importlib.import_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's module may raise anything
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{module}.".startswith(f"{missing}."):
            return f"plugins=[{module}]: {_unfound(module, missing)}"
        said = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return f"plugins=[{module}]: {said}{where(error)}"
    return None


def _unfound(module: str, missing: str) -> str:
    """What to say of a plug-in that is not there, rather than a module that one imports."""
    if module.endswith(".py"):
        return f"takes the name of a module; write plugins=[{module.removesuffix('.py')}]"
    return f"there is no module {missing} in the current folder, nor on Python's path (PYTHONPATH)"

"""Modules of the user's own."""

import hashlib
import importlib
import sys
import sysconfig
import traceback
from collections.abc import Sequence
from pathlib import Path

LIBRARIES = {"site-packages", "dist-packages"}


def load(modules: Sequence[str]) -> list[str]:
    """Import modules from ``sys.path`` or the current directory; a line for each that fails."""
    here = str(Path.cwd())
    if modules and here not in sys.path:
        sys.path.append(here)
    return [problem for module in modules if (problem := _import(module))]


def files(modules: Sequence[str]) -> list[Path]:
    """The source files of loaded modules, and of the user's other modules beside them."""
    return list(_sources(modules).values())


def checksums(modules: Sequence[str]) -> dict[str, str]:
    """The checksums of these files, by the names of their modules."""
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in _sources(modules).items()
    }


def _sources(modules: Sequence[str]) -> dict[str, Path]:
    tops = [sys.modules[name.partition(".")[0]] for name in modules if name in sys.modules]
    roots = [Path(top.__file__).parent for top in tops if top.__file__]
    if not roots:
        return {}
    found = {}
    for name, module in list(sys.modules.items()):
        path = Path(getattr(module, "__file__", None) or "")
        if name != "__main__" and any(root in path.parents for root in roots) and _is_theirs(path):
            found[name] = path
    return found


def _is_theirs(path: Path) -> bool:
    """Whether a file is the user's own, neither ours nor of a library."""
    folders = (Path(__file__).parent, Path(sysconfig.get_path("stdlib")))
    ours = any(path.is_relative_to(folder) for folder in folders)
    return path.is_file() and not ours and not LIBRARIES & set(path.parts)


def where(error: BaseException) -> str:
    """The last line of a user's file that was at work, if any; a SyntaxError says it itself."""
    frames = traceback.extract_tb(error.__traceback__)
    users = [(path, frame.lineno) for frame in frames if _is_theirs(path := Path(frame.filename))]
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

"""YAML files of the user's own, whose faults are told with the file and the line."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import yaml
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigLoadError, ConfigResult
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf
from yaml import MarkedYAMLError, YAMLError

from attn.overrides import printable

KEY = r"\w[\w.-]*"


class UserFiles(FileConfigSource):
    """Files in a folder of the user's; a HydraException tells what is wrong with one."""

    shown: ClassVar[str] = ""  # the folder as it was typed
    read: ClassVar[dict[Path, Path]] = {}  # each file that was read: as typed, and where it lies

    @staticmethod
    def scheme() -> str:
        """What stands before its paths."""
        return "user"

    def load_config(self, config_path: str) -> ConfigResult:
        """Read a file, or say which it is, in which line, and what is wrong with it."""
        file = Path(self.shown) / self._normalize_file_name(config_path)
        try:
            result = super().load_config(config_path)
        except Exception as error:  # noqa: BLE001 - what a file can hold has no end
            raise ConfigLoadError(f"{file}{_fault(error)}") from None
        if config_path.startswith("experiment/") and result.header["package"] != "_global_":
            raise ConfigLoadError(f"{file}, line 1: must begin with the line # @package _global_")
        if fault := _shape_fault(result.config):
            raise ConfigLoadError(f"{file}: {fault}")
        self.read[file] = Path(self.path) / self._normalize_file_name(config_path)
        return result


class UserFolder(SearchPathPlugin):
    """A folder of the user's own YAML files, searched after ours."""

    folder: ClassVar[Path | None] = None

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Add the folder, if there is one."""
        if self.folder is not None:
            search_path.append("user", f"user://{self.folder}")


def search_folder(folder: str | None) -> list[str]:
    """Look for YAML files in one more folder; a line if it does not exist."""
    for plugin in (UserFolder, UserFiles):
        Plugins.instance().register(plugin)
    UserFolder.folder, UserFiles.shown, UserFiles.read = None, folder or "", {}
    if not folder:
        return []
    path = Path(folder).absolute()
    try:
        next(path.iterdir(), None)
    except (FileNotFoundError, NotADirectoryError):
        return [f"--config-dir={folder}: no such folder"]
    except OSError as error:
        return [f"--config-dir={folder}: cannot be reached ({error.strerror})"]
    UserFolder.folder = path
    return []


def file_of(group: str, name: Any, ending: str = ".yaml") -> Path | None:
    """The user's file of a group and name, as it was typed, if there is one."""
    if UserFolder.folder is None:
        return None
    below = Path(group) / f"{name}{ending}"
    return Path(UserFiles.shown) / below if (UserFolder.folder / below).is_file() else None


def misnamed(group: str, name: Any) -> str | None:
    """What is to be said of a file of the user's that Hydra does not see, for it ends with .yml."""
    file = file_of(group, name, ".yml")
    return f"{file}: must be called {name}.yaml" if file else None


def place_of(key: str) -> str | None:
    """The user's file in which a key stands, and the line, e.g. ``mine/small.yaml, line 3``."""
    while key:
        for shown, file in UserFiles.read.items():
            lines = dict(_lines(yaml.compose(file.read_text(encoding="utf-8"), yaml.SafeLoader)))
            below = key.partition(".")[2] if key.startswith(f"{shown.parent.name}.") else ""
            if line := lines.get(key) or lines.get(below):
                return f"{shown}, line {line}"
        key = key.rpartition(".")[0]
    return None


def _lines(node: yaml.Node | None, prefix: str = "") -> Iterator[tuple[str, int]]:
    """Every dotted key below a node, and its line."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield f"{prefix}{key.value}", key.start_mark.line + 1
            yield from _lines(value, f"{prefix}{key.value}.")
    elif isinstance(node, yaml.ScalarNode) and not prefix:  # a single word, taken for a key
        yield node.value, node.start_mark.line + 1


def _fault(error: Exception) -> str:
    """Where in a file, and what."""
    if isinstance(error, UnicodeDecodeError):
        return ": not UTF-8"
    if isinstance(error, RecursionError):
        return ": nested too deeply, or in itself"
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return f"{f', line {mark.line + 1}' if mark else ''}: {printable(str(error.problem))}"
    if isinstance(error, YAMLError):
        return f": not YAML ({_one_line(error)})"
    if isinstance(error, OSError):
        return f": cannot be read ({error.strerror})"
    return f": {_one_line(error)}"


def _shape_fault(config: Any) -> str | None:
    """What is wrong with what a file holds, whatever its keys are."""
    if not isinstance(config, DictConfig):
        return "must hold options, a line each, like seed: 3"
    if (wrong := _odd_key(config)) is not None:
        return f"{printable(str(wrong))}: keys must be words of letters, digits and _"
    entries = _plain(config).get("defaults", [])
    if not isinstance(entries, list):
        return "defaults: must be a list, like [override /model: small]"
    odd = next((one for one in entries if not _is_default(one)), None)
    return None if odd is None else f"defaults: {odd} must look like override /model: small"


def _odd_key(config: DictConfig) -> Any:
    plain: list[Any] = [{key: v for key, v in _plain(config).items() if key != "defaults"}]
    while plain:
        inside = plain.pop()
        if isinstance(inside, dict):
            if odd := [
                key for key in inside if not re.fullmatch(KEY, str(key)) or not isinstance(key, str)
            ]:
                return odd[0]
            plain += inside.values()
        elif isinstance(inside, list):
            plain += inside
    return None


def _plain(config: DictConfig) -> dict[Any, Any]:
    plain = OmegaConf.to_container(config)
    assert isinstance(plain, dict)
    return plain


def _is_default(entry: Any) -> bool:
    """Whether an entry of a defaults list is one that Hydra knows."""
    if isinstance(entry, dict):
        values = list(entry.values())
        return len(values) == 1 and (values[0] is None or isinstance(values[0], str))
    return isinstance(entry, str)


def _one_line(error: BaseException) -> str:
    said, _, _ = str(error).partition("full_key:")
    return printable(" ".join(said.split())) or type(error).__name__

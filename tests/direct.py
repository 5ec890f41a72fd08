"""Commands without Hydra, which takes most of the time: each choice of parts is composed once."""

import functools
import importlib

import hydra
from omegaconf import open_dict


@functools.cache
def preflight(command):
    # Not imported above: conftest.py is read before shapes are checked in what is imported.
    check = importlib.import_module(f"attn.commands.{command}").check
    return importlib.import_module("attn.preflight").Preflight(command, check)


@functools.cache
def composed(command, arguments):
    """The config as the command sees it; parts are composed, options set, of a key the last."""
    overrides, plugins = (
        importlib.import_module(f"attn.{name}") for name in ("overrides", "plugins")
    )
    with hydra.initialize_config_module("attn.conf", version_base="1.3"):
        plugins.store_sections()
        last = {one.partition("=")[0]: one for one in arguments}
        given, problems = overrides.parse(list(last.values()))
        assert problems == []
        checked = preflight(command)
        return checked._settled(checked._applied(given), given)


def call(command, *overrides, **values):
    """The exit code, and what is said of an error, as ``attn.launch`` has it."""
    failing, registry = (
        importlib.import_module(f"attn.{name}") for name in ("failing", "registry")
    )
    module = importlib.import_module(f"attn.commands.{command}")
    cfg = composed(command, overrides).copy()
    with open_dict(cfg):
        cfg.update({key: str(value) for key, value in values.items()})
    try:
        if found := module.check(cfg.copy()):
            raise registry.ConfigError(found)
        module.run(cfg)
    except (registry.ConfigError, registry.RunError) as error:
        return failing.code(error), failing.line(command, error)
    return 0, ""

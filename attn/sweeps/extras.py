"""What launchers and sweepers of other packages need, and how it is installed."""

import importlib.util

from omegaconf import DictConfig

EXTRAS = {
    "hydra_plugins.hydra_joblib_launcher": "joblib",
    "hydra_plugins.hydra_submitit_launcher": "submitit",
    "hydra_plugins.hydra_ray_launcher": "ray",
    "hydra_plugins.hydra_optuna_sweeper": "optuna",
}


def problems(hydras: DictConfig) -> list[str]:
    """The packages that are missing for what is asked of Hydra, a line each."""
    found = []
    for part in ("launcher", "sweeper"):
        plugin = str(hydras[part].get("_target_")).rpartition(".")[0].rpartition(".")[0]
        if plugin in EXTRAS:
            extra = EXTRAS[plugin]  # named like the package that it is about
            if missing := next((one for one in (plugin, extra) if not _is_there(one)), None):
                chosen = hydras.runtime.choices[part]
                name = missing.removeprefix("hydra_plugins.").replace("_", "-")
                found.append(
                    f"{part}={chosen}: needs the package {name}; pip install attn[{extra}]"
                )
    return found


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False

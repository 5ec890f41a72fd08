"""Whether what lies in the folder of a run can be used: its config, its tokenizer, a checkpoint."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attn import __version__, checking, identity, modules, runs
from attn.assemble import FIXED
from attn.files import checksums
from attn.registry import ConfigError, as_yaml
from attn.remarks import warn
from attn.roles import LISTS
from attn.session import Session
from attn.snapshot import Loaded, load_meta
from attn.vocabulary import FOLDERS, Vocabularies
from attn.weights import CheckpointError, load_weights

Config = Mapping[str, Any]
NEEDED = ("dataset", "tokenizer", "model", "attention", "attention_elsewhere", "position", "search")
JUDGING = ("trainer", "validation_search", "scoring")  # of trainer, its metric alone
PLACES = ("root", "device", "threads", "workers", "tf32", "keep_memory")


def config_of(run: Path) -> dict[str, Any]:
    """The config of a run, its plug-ins loaded; sections that an older program had not are empty.

    Raises:
        ConfigError: it is no config, or a plug-in is missing.
    """
    config = {"plugins": [], **{key: {} for key in FIXED}, **runs.load_config(run)}
    if faults := list(_faults(config)):
        path = run / runs.CONFIG
        raise ConfigError([f"{path}: {fault}; {runs.AGAIN}" for fault in faults])
    if unknown := modules.load(config["plugins"]):
        raise ConfigError([f"{line} (a plug-in of {run})" for line in unknown])
    return config


def _faults(config: Config) -> Iterator[str]:
    """What keeps a config from being read at all."""
    plugins = config["plugins"]
    if not isinstance(plugins, list) or not all(isinstance(one, str) for one in plugins):
        yield f"plugins={as_yaml(plugins)} is no list of names"
    for key in LISTS.values():
        if not isinstance(config.get(key) or [], list):
            yield f"{key}={as_yaml(config[key])} is no list"
    for key in dict.fromkeys([*NEEDED, *FIXED, *checking.KINDS, *config]):
        section, known = config.get(key), key in checking.KINDS or key in NEEDED
        if section is None and key not in NEEDED and key not in FIXED:
            continue
        if known and not (isinstance(section, dict) and isinstance(section.get("name"), str)):
            yield f"{key}={as_yaml(section)} names no component"
        elif key in FIXED and not isinstance(section, dict):
            yield f"{key}={as_yaml(section)} is no section"


def problems(run: Path, config: Config, checkpoint: Path) -> list[str]:
    """Why a checkpoint cannot be used with the config of its run, a line each."""
    path = run / runs.CONFIG
    if faults := checking.model_problems(config):
        return [f"{path}: {fault}" for fault in faults]
    try:
        meta = load_meta(checkpoint)
    except CheckpointError as error:
        return [str(error)]
    if changed := identity.differences(meta.get("config") or config, config):
        return [
            f"{path}: is not what {checkpoint.name} was trained with: {', '.join(changed)}; "
            f"{runs.AGAIN}"
        ]
    return []


def remarks(
    run: Path, config: Config, meta: Mapping[str, Any], sections: Sequence[str]
) -> list[str]:
    """What some sections say otherwise than when a checkpoint was saved, and may be meant so."""
    then = meta.get("config")
    if not isinstance(then, Mapping):
        return []
    found = []
    for key in sections:
        one, other = then.get(key) or {}, config.get(key) or {}
        found += [
            f"{run / runs.CONFIG}: {key}.{option}={as_yaml(other.get(option))}, which was "
            f"{as_yaml(one.get(option))} when step {meta['step']} was saved"
            for option in {**one, **other}
            if one.get(option) != other.get(option) and option not in PLACES
        ]
    return found + _changed_plugins(config, meta)


def _changed_plugins(config: Config, meta: Mapping[str, Any]) -> list[str]:
    """The plug-ins that are not as they were; the hash of a run's folder does not know of them."""
    now = modules.checksums(config["plugins"])
    return [
        f"plug-in {name}: is not as it was when step {meta['step']} was saved"
        for name, sum_ in meta.get("plugins", {}).items()
        if now.get(name, sum_) != sum_
    ]


def check_judgement(checkpoint: Path | None, config: Config) -> None:
    """Look whether training goes on by the scores that its checkpoints were ranked by.

    Raises:
        ConfigError: another metric, search or scoring is asked for than that of a checkpoint.
    """
    then = {} if checkpoint is None else load_meta(checkpoint).get("config") or {}
    found = [
        f"{key}={as_yaml(now)}: the checkpoints of this run are ranked with {as_yaml(before)}; "
        "keep that, or train anew with study=NAME"
        for key, before, now in _judged(then, config)
        if before != now
    ]
    if found:
        raise ConfigError(found)


def _judged(then: Config, now: Config) -> Iterator[tuple[str, Any, Any]]:
    """What decides which checkpoint is best: key, former value, present value."""
    for section in JUDGING:
        for option, before in (then.get(section) or {}).items():
            if section != "trainer" or option == "metric":
                yield f"{section}.{option}", before, now[section].get(option)


def check_tokenizer(run: Path, meta: Mapping[str, Any]) -> None:
    """Compare the files of the tokenizers of a run with what a checkpoint says of them.

    Raises:
        CheckpointError: one is missing, or not as it was written.
    """
    found, wanted = _checksums(run), meta.get("tokenizer")
    for name, sum_ in (found if wanted is None else wanted).items():
        if found.get(name) != sum_:
            why = "is not as it was written" if name in found else "is missing"
            raise CheckpointError(f"{run / name}: {why}; {runs.AGAIN}")


def tokenizer_checksums(vocabularies: Vocabularies) -> dict[str, str]:
    """The checksums of the files that tokenizers are saved in."""
    with tempfile.TemporaryDirectory() as folder:
        vocabularies.save(Path(folder))
        return _checksums(Path(folder))


def _checksums(folder: Path) -> dict[str, str]:
    return {
        f"{name}/{file}": sum_
        for name in FOLDERS
        for file, sum_ in checksums(folder / name).items()
    }


def resume(session: Session, found: Loaded, run: Path, config: Config, tokenizer: Any) -> None:
    """Let a session go on from a checkpoint of its run; ``tokenizer``, the checksums of it now.

    Raises:
        CheckpointError: it was trained with something else, or this program cannot go on from it.
    """
    weights, state, meta = found
    place = f"{run / 'checkpoints'}/step-{meta['step']}"
    then = meta.get("config") or config
    changed = identity.differences(then, config)
    if meta.get("tokenizer", tokenizer) != tokenizer:
        changed.append("another tokenizer than this program makes of the text")
    if changed:
        raise CheckpointError(f"{place}: was trained with {', '.join(changed)}{_ways_out(meta)}")
    try:
        load_weights(session.model, weights)
        session.restore(state)
    except (CheckpointError, LookupError, TypeError, ValueError, RuntimeError) as error:
        why = f"{type(error).__name__}: {error}"
        why = str(error) if isinstance(error, CheckpointError) else f"no state of it ({why})"
        raise CheckpointError(f"{place}: {why}{_ways_out(meta)}") from error
    for line in _changed_plugins(config, meta):
        warn(f"{line}; study=NAME trains anew with it")
    if newer := checking.newer_options(then):
        warn(f"{run} is older than these options, which take: {', '.join(newer)}")


def _ways_out(meta: Mapping[str, Any]) -> str:
    return (
        f"; it was saved by attn {meta.get('version')}, this is attn {__version__}: go on with "
        "that version, or train anew with study=NAME"
    )

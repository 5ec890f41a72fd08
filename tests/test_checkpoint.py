"""Checkpoints: whole or not there, safe to load, and those kept that should be."""

import contextlib
import errno
import itertools
import os
import shutil
from pathlib import Path

import pytest
import torch
from builders import build_model
from messages import exactly
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import nn

from attn import __version__
from attn.checkpoint import Checkpoints, average
from attn.files import WriteError, checksum_of, checksums, read_json, write_json
from attn.snapshot import FORMAT, DamagedError, load, load_meta, weights_at
from attn.weights import CheckpointError, load_weights, weights_of

CHOICES = "choose best, last, average (made by attn average) or one of the steps"


def tiny(value=0.0):
    """Two tensors and an integer buffer, all of one value."""
    module = nn.Linear(3, 2)
    module.register_buffer("count", torch.tensor(int(value)))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(value)
    return module


def save(checkpoints, step, score=0.0, value=None):
    return checkpoints.save(
        step, tiny(step if value is None else value), {"step": step}, {"score": score}
    )


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[n], second[n]) for n in first)


class TestSaveAndLoad:
    def test_everything_comes_back(self, tmp_path):
        model = tiny(5.0)
        optimizer = torch.optim.Adam(model.parameters())
        model(torch.ones(1, 3)).sum().backward()
        optimizer.step()
        state = {"optimizer": optimizer.state_dict(), "random": torch.get_rng_state(), "none": None}
        path = Checkpoints(tmp_path).save(
            7, model, state, {"score": 1.5, "config": {"a": [1, "b"]}}
        )
        weights, loaded, meta = load(path)
        assert path == tmp_path / "step-7"
        assert same(weights, model.state_dict())
        assert torch.equal(loaded["random"], state["random"])
        assert loaded["none"] is None
        again = torch.optim.Adam(tiny().parameters())
        again.load_state_dict(loaded["optimizer"])
        moments = zip(again.state.values(), optimizer.state.values(), strict=True)
        assert all(same(one, other) for one, other in moments)
        assert (meta["score"], meta["step"], meta["config"]) == (1.5, 7, {"a": [1, "b"]})
        assert meta == load_meta(path)

    def test_a_saved_step_can_be_saved_again(self, tmp_path):
        checkpoints = Checkpoints(tmp_path)
        save(checkpoints, 3, value=1)
        path = save(checkpoints, 3, value=2)
        assert same(weights_at(path), tiny(2).state_dict())
        assert names(tmp_path) == ["step-3"]

    def test_nothing_in_it_is_run(self, tmp_path):
        path = save(Checkpoints(tmp_path), 1)

        class Trap:
            def __reduce__(self):
                return os.mkdir, (str(tmp_path / "sprung"),)

        torch.save({"trap": Trap()}, path / "state.pt")
        seal(path)
        message = (
            f"{path / 'state.pt'}: holds more than tensors and plain values, and is not run "
            "(UnpicklingError)"
        )
        with pytest.raises(DamagedError, match=exactly(message)):
            load(path)
        assert not (tmp_path / "sprung").exists()


def seal(path, **changes):
    """Make the checksums of a checkpoint those of its files, as one would who means harm."""
    meta = {**read_json(path / "meta.json"), **changes}
    sums = {name: sum_ for name, sum_ in checksums(path).items() if name != "meta.json"}
    meta["sha256"] = sums
    write_json(path / "meta.json", {**meta, "sha256": {**sums, "meta.json": checksum_of(meta)}})


class TestKeeping:
    @pytest.mark.parametrize(
        ("best", "last", "kept"),
        [(1, 1, [2, 5]), (2, 1, [2, 4, 5]), (1, 3, [2, 3, 4, 5]), (9, 1, [1, 2, 3, 4, 5])],
    )
    def test_the_best_and_the_newest_stay(self, tmp_path, best, last, kept):
        checkpoints = Checkpoints(tmp_path, keep_best=best, keep_last=last)
        for step, score in ((1, 1.0), (2, 9.0), (3, 0.5), (4, 7.0), (5, 0.0)):
            save(checkpoints, step, score)
        assert checkpoints.steps() == kept

    def test_names(self, tmp_path):
        checkpoints = Checkpoints(tmp_path, keep_last=3)
        assert checkpoints.last() is None
        assert checkpoints.best() is None
        for step, score in ((10, 3.0), (9, 5.0), (100, 5.0)):
            save(checkpoints, step, score)
        assert checkpoints.last() == checkpoints.find("last") == tmp_path / "step-100"
        assert checkpoints.best() == checkpoints.find("best") == tmp_path / "step-100"
        assert checkpoints.find("10") == checkpoints.find("step-10") == tmp_path / "step-10"
        for name in ("11", "", ".", "..", "/", str(tmp_path), "step-10/.", "x" * 300):
            message = f"checkpoint={name}: not in {tmp_path}; {CHOICES}: 9, 10, 100"
            with pytest.raises(CheckpointError, match=exactly(message)):
                checkpoints.find(name)

    def test_one_that_was_not_scored_stays_until_the_next(self, tmp_path):
        checkpoints = Checkpoints(tmp_path, keep_last=2)
        for step, meta in enumerate(({"score": 2.0}, {"score": 1.0}, {}, {}), 1):
            checkpoints.save(step, tiny(step), {}, meta)
        assert checkpoints.steps() == [1, 2, 4]
        assert checkpoints.last() == tmp_path / "step-4"
        assert checkpoints.best() == tmp_path / "step-1"
        save(checkpoints, 5, 0.0)
        assert checkpoints.steps() == [1, 2, 5]

    def test_the_newest_that_is_whole_is_found(self, tmp_path):
        checkpoints = Checkpoints(tmp_path, keep_last=9)
        for step in (1, 2, 3):
            save(checkpoints, step)
        for step in (2, 3):
            (tmp_path / f"step-{step}" / "state.pt").write_bytes(b"")
        (weights, state, meta), complaints = checkpoints.newest()
        assert (state["step"], meta["step"]) == (1, 1)
        assert same(weights, tiny(1).state_dict())
        assert complaints == [
            f"{tmp_path}/step-{step}/state.pt: is not as it was written (its checksum is not in "
            f"meta.json); it is now damaged-step-{step}"
            for step in (3, 2)
        ] + ["the newest checkpoint that is whole: step 1"]
        assert names(tmp_path) == ["damaged-step-2", "damaged-step-3", "step-1"]

    def test_none_is_whole(self, tmp_path):
        assert Checkpoints(tmp_path).newest() == (None, [])

    def test_an_empty_folder_is_named(self, tmp_path):
        message = f"checkpoint=best: not in {tmp_path}; {CHOICES}: none"
        with pytest.raises(CheckpointError, match=exactly(message)):
            Checkpoints(tmp_path).find("best")

    def test_none_that_was_validated_is_no_best(self, tmp_path):
        checkpoints = Checkpoints(tmp_path)
        checkpoints.save(20, tiny(1), {}, {})
        said = (
            f"checkpoint=best: none in {tmp_path} was validated; choose last or one of the steps: "
            "20"
        )
        with pytest.raises(CheckpointError, match=exactly(said)):
            checkpoints.find("best")

    def test_what_cannot_be_read_is_left_alone(self, tmp_path):
        checkpoints = Checkpoints(tmp_path)
        (save(checkpoints, 1, 9.0) / "meta.json").write_text("{")
        (tmp_path / "step-of-mine").mkdir()
        save(checkpoints, 2, 1.0)
        save(checkpoints, 3, 0.0)
        assert checkpoints.steps() == [1, 2, 3]
        message = (
            f"{tmp_path}/step-1/meta.json: is not as it was written (Expecting property name "
            "enclosed in double quotes: line 1 column 2 (char 1)); without it the best is not "
            "known: name a step, or give the command that trained the run, which sets damaged ones "
            "aside"
        )
        with pytest.raises(CheckpointError, match=exactly(message)):
            checkpoints.best()
        found, complaints = checkpoints.newest()
        assert (found[2]["step"], len(complaints)) == (3, 2)
        assert checkpoints.best() == tmp_path / "step-2"
        assert names(tmp_path) == ["damaged-step-1", "step-2", "step-3", "step-of-mine"]

    @pytest.mark.parametrize("option", ["keep_best", "keep_last"])
    def test_keeping_nothing_is_refused(self, tmp_path, option):
        with pytest.raises(ValueError, match=exactly(f"{option}=0: must be at least 1")):
            Checkpoints(tmp_path, **{option: 0})


class TestDamage:
    @pytest.mark.parametrize("name", ["model.safetensors", "state.pt", "meta.json"])
    def test_a_missing_file_is_named(self, tmp_path, name):
        path = save(Checkpoints(tmp_path), 1)
        (path / name).unlink()
        message = f"{path / name}: cannot be read (No such file or directory)"
        with pytest.raises(CheckpointError, match=exactly(message)):
            load(path)

    @pytest.mark.parametrize("name", ["model.safetensors", "state.pt"])
    @pytest.mark.parametrize("damage", ["truncated", "flipped"])
    def test_a_changed_file_is_named(self, tmp_path, name, damage):
        path = save(Checkpoints(tmp_path), 1)
        content = (path / name).read_bytes()
        end = bytes([content[-1] ^ 1]) if damage == "flipped" else b""
        (path / name).write_bytes(content[:-1] + end)
        message = f"{path / name}: is not as it was written (its checksum is not in meta.json)"
        with pytest.raises(CheckpointError, match=exactly(message)):
            load(path)

    def test_weights_of_another_format_are_named(self, tmp_path):
        path = save(Checkpoints(tmp_path), 1)
        (path / "model.safetensors").write_bytes(b"\0" * 9)
        seal(path)
        with pytest.raises(SafetensorError) as refused:
            load_tensors(b"\0" * 9)
        message = f"{path / 'model.safetensors'}: holds no weights ({refused.value})"
        with pytest.raises(DamagedError, match=exactly(message)):
            load(path)

    def test_meta_that_is_no_json_is_named(self, tmp_path):
        path = save(Checkpoints(tmp_path), 1)
        (path / "meta.json").write_text("")
        message = (
            f"{path / 'meta.json'}: is not as it was written "
            f"(Expecting value: line 1 column 1 (char 0))"
        )
        with pytest.raises(CheckpointError, match=exactly(message)):
            load(path)


class TestFormats:
    """What other versions of the program wrote is read, or it is said why not."""

    def test_the_first_format_has_no_checksum_of_its_own(self, tmp_path):
        path = save(Checkpoints(tmp_path), 1, 3.0)
        meta = read_json(path / "meta.json")
        del meta["format"], meta["sha256"]["meta.json"]
        write_json(path / "meta.json", meta)
        assert load(path)[2] == meta
        assert Checkpoints(tmp_path).best() == path

    def test_a_newer_format_is_left_alone(self, tmp_path):
        checkpoints = Checkpoints(tmp_path, keep_last=2)
        save(checkpoints, 1)
        path = save(checkpoints, 2)
        seal(path, format=FORMAT + 1, version="9.9")
        message = (
            f"{path / 'meta.json'}: is of format {FORMAT + 1}, by attn 9.9; this is attn "
            f"{__version__}, which knows formats up to {FORMAT}; use that version, or a newer"
        )
        for read in (load, load_meta, weights_at, lambda _: checkpoints.newest()):
            with pytest.raises(CheckpointError, match=exactly(message)):
                read(path)
        assert names(tmp_path) == ["step-1", "step-2"]

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            ([], "it holds no object"),
            ({}, "it holds no checksums"),
            ({"sha256": 3}, "it holds no checksums"),
            ({"sha256": {"meta.json": "0"}, "step": 1}, "its checksum is another"),
            ({"sha256": {}, "format": 2, "step": 1}, "it lacks its own checksum"),
            ({"sha256": {}, "format": "2", "step": 1}, "its format is no whole number"),
            ({"sha256": {}, "step": "1"}, "step='1' is no whole number"),
            ({"sha256": {}, "step": True}, "step=True is no whole number"),
            ({"sha256": {}, "step": 1, "score": "9"}, "score='9' is no number"),
        ],
        ids=str,
    )
    def test_meta_of_another_shape_is_damage(self, tmp_path, content, why):
        path = save(Checkpoints(tmp_path), 1)
        write_json(path / "meta.json", content)
        message = f"{path / 'meta.json'}: is not as it was written ({why})"
        with pytest.raises(DamagedError, match=exactly(message)):
            load_meta(path)

    def test_a_figure_that_was_altered_is_damage(self, tmp_path):
        path = save(Checkpoints(tmp_path), 1, 3.0)
        meta = path / "meta.json"
        meta.write_text(meta.read_text().replace("3.0", "9.0"))
        message = f"{meta}: is not as it was written (its checksum is another)"
        with pytest.raises(DamagedError, match=exactly(message)):
            load_meta(path)

    def test_what_may_not_be_read_is_not_taken_for_damage(self, tmp_path, monkeypatch):
        checkpoints = Checkpoints(tmp_path, keep_last=2)
        save(checkpoints, 1)
        path = save(checkpoints, 2)

        def refuse(*_, **__):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(Path, "read_text", refuse)
        message = f"{path / 'meta.json'}: cannot be read (Permission denied)"
        with pytest.raises(CheckpointError, match=exactly(message)):
            checkpoints.newest()
        assert names(tmp_path) == ["step-1", "step-2"]


def test_an_average_leaves_alone_what_training_writes(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep_last=2)
    save(checkpoints, 1)
    (tmp_path / ".step-2.part").mkdir()
    (tmp_path / ".average-last-1-step-1.part").mkdir()
    checkpoints.save_average(last=1)
    assert names(tmp_path) == [".step-2.part", "average-last-1-step-1", "step-1"]


def test_an_average_that_cannot_take_its_place_leaves_the_former(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path)
    save(checkpoints, 1)
    path = checkpoints.save_average(last=1)
    rename = Path.rename

    def refuse(self, target):
        if self.name.endswith(".part"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    message = f"{path}: cannot be written (No space left on device); make room on that disk"
    with pytest.raises(WriteError, match=exactly(message)):
        checkpoints.save_average(last=1)
    assert names(tmp_path) == ["average-last-1-step-1", "step-1"]
    assert load_meta(path)["average"] == [1]


class Killed(BaseException):
    """Stands for the end of the process."""


def kill_at(patch, number):
    """Let every change of a folder from this one on fail, as if the process were gone."""
    calls = []

    def wrap(change):
        def counted(*arguments, **named):
            calls.append(change)
            if len(calls) >= number:
                raise Killed
            return change(*arguments, **named)

        return counted

    for place, name in (
        (os, "fsync"),
        (os, "unlink"),
        (os, "rmdir"),
        (Path, "rename"),
        (Path, "replace"),
        (Path, "unlink"),
    ):
        patch.setattr(place, name, wrap(getattr(place, name)))


def test_a_kill_at_any_instant_leaves_whole_checkpoints(tmp_path):
    before = tmp_path / "before"
    for step, score in ((1, 2.0), (2, 1.0)):
        save(Checkpoints(before), step, score)
    for number in itertools.count(1):
        folder = tmp_path / str(number)
        shutil.copytree(before, folder)
        with pytest.MonkeyPatch.context() as patch:
            kill_at(patch, number)
            with contextlib.suppress(Killed):
                save(Checkpoints(folder), 3, 3.0)
                break
        assert Checkpoints(folder).last() in {folder / "step-2", folder / "step-3"}
        for step in Checkpoints(folder).steps():
            assert same(load(folder / f"step-{step}")[0], tiny(step).state_dict())
        Checkpoints(folder).tidy()
        assert names(folder) in (["step-1", "step-2"], ["step-3"])
        save(Checkpoints(folder), 4, 4.0)
        assert names(folder) == ["step-4"]
    assert number > 20
    assert names(folder) == ["step-3"]


class TestWeights:
    @pytest.mark.parametrize("tied", ["none", "decoder", "all"])
    def test_tied_matrices_are_saved_once_and_stay_tied(self, tied):
        model, other = build_model(tied=tied), build_model(tied=tied)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(1)
        weights = weights_of(model)
        assert sum(w.numel() for w in weights.values()) == sum(
            parameter.numel() for parameter in model.parameters()
        )
        load_weights(other, weights)
        assert same(other.state_dict(), model.state_dict())
        assert (other.output.weight is other.target_embedding.weight) == (tied != "none")

    def test_differences_are_named(self):
        weights = {"weight": torch.zeros(2, 4), "bias": torch.zeros(2), "extra": torch.zeros(1)}
        message = (
            "the weights do not fit the model: count is missing; extra has no place; "
            "weight is (2, 4), not (2, 3)"
        )
        with pytest.raises(CheckpointError, match=exactly(message)):
            load_weights(tiny(), weights)

    def test_average_is_the_mean(self, tmp_path):
        checkpoints = Checkpoints(tmp_path, keep_last=3)
        paths = [save(checkpoints, step) for step in (1, 2, 6)]
        mean = average(paths)
        assert same(mean, {**tiny(3).state_dict(), "count": torch.tensor(6)})
        assert all(mean[name].dtype == weight.dtype for name, weight in tiny().state_dict().items())
        assert same(average(paths[:1]), weights_at(paths[0]))

    def test_an_average_is_found_by_its_name(self, tmp_path):
        checkpoints = Checkpoints(tmp_path, keep_best=2, keep_last=3)
        for step, score in ((1, 9.0), (2, 8.0), (3, 1.0), (4, 2.0), (5, 3.0)):
            save(checkpoints, step, score)
        best, last = checkpoints.save_average(best=2), checkpoints.save_average(last=2)
        assert best == tmp_path / "average-best-2-step-2"
        assert last == checkpoints.find("average") == checkpoints.find("average-last-2-step-5")
        assert same(weights_at(best), {**tiny(1.5).state_dict(), "count": torch.tensor(2)})
        assert same(weights_at(last), {**tiny(4.5).state_dict(), "count": torch.tensor(5)})
        assert load_meta(last)["average"] == [4, 5]
        assert checkpoints.steps() == [1, 2, 3, 4, 5]
        message = (
            f"last=6: {tmp_path} keeps 5 that were validated; ask for fewer, or train with "
            "trainer.keep_last=6"
        )
        with pytest.raises(CheckpointError, match=exactly(message)):
            checkpoints.save_average(last=6)

    def test_average_of_different_models_is_refused(self, tmp_path):
        checkpoints = Checkpoints(tmp_path, keep_last=2)
        first = checkpoints.save(1, nn.Linear(1, 2), {}, {"score": 0.0})
        second = checkpoints.save(2, nn.Linear(1, 3), {}, {"score": 0.0})
        message = (
            f"{first}: the weights do not fit those of {second}: "
            "bias is (2,), not (3,); weight is (2, 1), not (3, 1)"
        )
        with pytest.raises(CheckpointError, match=exactly(message)):
            average([first, second])

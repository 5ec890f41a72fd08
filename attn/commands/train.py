"""``attn train``: from a config to a trained model."""

import dataclasses
import functools
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from attn import (
    __version__,
    assemble,
    checking,
    edition,
    identity,
    introduction,
    ledger,
    modules,
    probe,
    runs,
    snapshot,
    stored,
    trials,
    vain,
)
from attn.activations import checkpoint_activations
from attn.assemble import Material
from attn.batching import Batch, Batches
from attn.checkpoint import Checkpoints
from attn.claims import Claim, LostError, claimed
from attn.compiling import Compiler
from attn.files import WriteError, output_problems, write_json, writing
from attn.filters import counted
from attn.interrupt import Interrupt
from attn.matching import kept
from attn.precision import Precision
from attn.prefetch import ahead
from attn.registry import ConfigError, RunError, as_yaml
from attn.remarks import warn
from attn.reporting import Report
from attn.roles import Roles
from attn.session import Session
from attn.trainer import Trainer
from attn.watch import Development, Watch

PURPOSE = "train a model; the same command again continues an unfinished run"
EXAMPLES = """
attn train experiment=demo
attn train dataset=parallel dataset.root=my/texts dataset.source=fi dataset.target=en model=small
attn train -m experiment=demo seed=1,2,3 position=sinusoidal,learned
"""


def check(cfg: DictConfig) -> list[str]:
    """All problems of a training config."""
    config = assemble.plain(cfg)
    found = [*checking.problems(config), *checking.seed_problems(config)]
    found += [*kept.problems(config["match"]), *trials.problems(config["tuned"])]
    if not config["output"]:
        found.append(f"output={as_yaml(config['output'])}: needs a folder; write output=FOLDER")
    else:
        found += output_problems("output", Path(str(config["output"])), folder=True)
    if len(runs.safe(str(config["study"]))) > runs.LONGEST:
        found.append(f"study={config['study']}: must have at most {runs.LONGEST} letters")
    return found


def unused(cfg: DictConfig) -> dict[str, str]:
    """The sections and options that would be set in vain, and why."""
    return vain.unused(assemble.plain(cfg))


def run(cfg: DictConfig) -> float | None:
    """Train, and return the best score on the development split."""
    job = Job.from_config(identity.of_one(assemble.plain(cfg)))
    try:
        ledger.told(job.folder, job.material.files)
        with claimed(job.folder) as claim:
            job.go_on(claim)
    except WriteError as error:
        raise RunError(f"{error}; {job.saved()}") from error
    return job.best()


@dataclasses.dataclass
class Job:
    """One run: its config, its folder, and what its config names."""

    config: dict[str, Any]
    folder: Path
    precision: Precision
    material: Material
    batches: Batches
    trainer: Trainer
    checkpoints: Checkpoints
    compiler: Compiler
    budget: probe.Budget | None = None  # of tokens, where that is settled by trial

    @staticmethod
    def from_config(config: dict[str, Any]) -> "Job":
        """Read the data, train the tokenizer, find the folder."""
        precision: Precision = assemble.part(config, "precision")
        precision.apply()
        config["precision"]["dtype"] = precision.format
        if config["dataset"].get("root") is not None:
            config["dataset"]["root"] = str(Path(config["dataset"]["root"]).expanduser().resolve())
        material = assemble.material(config)
        trainer: Trainer = assemble.part(config, "trainer")
        hash_ = identity.of(
            config,
            data=material.fingerprint,
            number_format=precision.format,
            needs_steps=assemble.schedule(config).needs_steps,
        )
        folder = runs.folder(config, hash_, Roles(config).label())
        checkpoints = Checkpoints(
            folder / "checkpoints", keep_best=trainer.keep_best, keep_last=trainer.keep_last
        )
        batches: Batches = assemble.part(config, "batches")
        compiler = Compiler(trainer.compile, precision.device)
        return Job(config, folder, precision, material, batches, trainer, checkpoints, compiler)

    @functools.cached_property
    def counts(self) -> dict[str, Any]:
        """What is counted of the data: the pairs that are trained on, and those that are not."""
        return introduction.counts(self.material, self.batches)

    @functools.cached_property
    def tokenizer_checksums(self) -> dict[str, str]:
        """The checksums of the tokenizers' files."""
        return stored.tokenizer_checksums(self.material.vocabularies)

    def go_on(self, claim: Claim) -> None:
        """Do what is left to do of the run, and say so if that is nothing."""
        session = self.session()
        end = self.trainer.end(session.progress)
        if end is None or self.checkpoints.best() is None:
            stored.check_judgement(self.checkpoints.last(), self.config)
            self.train(session, claim)
            return
        self.describe()  # how it is evaluated may be new
        if runs.status(self.folder) != "finished":
            runs.set_status(self.folder, "finished")
        print(f"{end}; nothing is left to do\n{introduction.farewell(self.folder, self.best())}")  # noqa: T201

    def train(self, session: Session, claim: Claim) -> None:
        """Train to the end, or until a signal comes; status.json tells how it went."""
        interrupt = Interrupt()
        report = None
        try:
            runs.set_status(self.folder, "running")
            report = self.open(session.progress.step)
            if self.batches.automatic and self.budget is None:
                self.budget = probe.probed(session, self.trainer, self.batches, self.material.ids)
            session.observer = self.watch(session, report)
            session.stop = lambda: claim.check() and interrupt()
            with interrupt.listening():
                self.trainer.fit(session)
            if compiled := self.compiler.report():
                report.say(compiled)
            step = session.progress.step
            if interrupt():
                report.say(f"interrupted; step {step} is saved, the same command goes on from it")
                interrupt.pass_on()
            report.say(str(self.trainer.end(session.progress)))
            report.say(introduction.farewell(self.folder, self.best()))
            runs.set_status(self.folder, "finished")
        except LostError:
            raise  # the status is another's
        except (KeyboardInterrupt, SystemExit):
            self.note("interrupted")
            raise
        except BaseException as error:
            trace = "".join(traceback.format_exception(error))
            self.note("failed", error=f"{type(error).__name__}: {error}", traceback=trace)
            raise
        finally:
            if report is not None:
                report.close()

    def note(self, state: str, **details: str) -> None:
        """Set the status on the way out; that this cannot be written does not hide why."""
        try:
            runs.set_status(self.folder, state, **details)
        except WriteError as error:
            warn(f"{error}; it does not tell that the run {state}")

    def saved(self) -> str:
        """From where the same command goes on."""
        steps = self.checkpoints.steps()
        if not steps:
            return "no checkpoint is saved yet, the same command begins anew"
        return f"step {steps[-1]} is saved, the same command goes on from it"

    def session(self) -> Session:
        """The model and all that trains it, new from the seed or as the last checkpoint has it."""
        torch.manual_seed(self.config["seed"])
        known = self.material.vocabularies
        model = assemble.model(
            self.config, source_size=known.source.size, target_size=known.target.size
        )
        model = model.to(self.precision.device)
        if self.trainer.checkpoint_activations:
            checkpoint_activations(model)
        self.compiler.apply(model)
        if not self.counts["train"]["trained_on"]:
            reasons = counted(self.counts["train"]["left_out"])
            raise ConfigError([f"batches: no pair is left to train on; left out: {reasons}"])
        session = Session(
            model=model,
            loss=assemble.part(self.config, "loss"),
            optimizer=assemble.optimizer(self.config, model),
            schedule=assemble.schedule(self.config),
            precision=self.precision,
            epoch=lambda number, start: ahead(self.epoch(number, start), self.batches.ahead),
        )
        found, damaged = self.checkpoints.newest()
        for complaint in damaged:
            warn(complaint)
        if found is not None:
            stored.resume(session, found, self.folder, self.config, self.tokenizer_checksums)
            budget = found[2].get("budget")
            self.budget = None if budget is None else probe.Budget(**budget)
            self.checkpoints.tidy()
        return session

    def epoch(self, number: int, start: int) -> Iterator[Batch]:
        """The batches of an epoch, its texts cut anew if subwords are sampled."""
        seed = self.config["seed"]
        pairs = self.material.cut(seed=seed, epoch=number, most=self.batches.max_length)
        batches = self.batches if self.budget is None else self.batches.settled(self.budget.tokens)
        yield from batches.epoch(
            pairs,
            seed=seed,
            epoch=number,
            start=start,
            pin=self.precision.device.type == "cuda",
            weights=self.material.weights,
        )

    def open(self, step: int) -> Report:
        """Write what describes the run, and begin to report."""
        self.describe()
        write_json(self.folder / "data.json", self.counts)
        return Report(self.folder, step=step, steps=self.trainer.steps)

    def describe(self) -> None:
        """Write what the run is: its config and its tokenizers."""
        runs.save_config(self.folder, self.config)
        with writing(self.folder):
            self.material.vocabularies.save(self.folder)

    def watch(self, session: Session, report: Report) -> Watch:
        """Who reports, validates and saves; says first what is trained on what."""
        report.say(f"run {self.folder}")
        if session.progress.step:
            report.say(f"goes on from step {session.progress.step}")
        parameters = sum(weight.numel() for weight in session.model.parameters())
        for line in introduction.lines(self.config, self.material, self.counts, parameters):
            report.say(line)
        if self.budget is not None:
            report.say(f"batches.tokens=auto: {self.budget.tokens} ({self.budget.why})")
        translator = assemble.translator(
            session.model, self.material.vocabularies, self.batches, self.precision
        )
        development = Development(
            self.material.dev,
            self.material.vocabularies.ids(self.material.dev),
            self.batches,
            translator,
            assemble.part(self.config, "validation_search", "search"),
            assemble.scoring(self.config, self.material.corpus),
        )
        meta = {
            "version": __version__,
            "code": edition.code(),
            "torch": torch.__version__,
            "parameters": parameters,
            "config": self.config,
            "tokenizer": self.tokenizer_checksums,
            "plugins": modules.checksums(self.config["plugins"]),
            "budget": self.budget and dataclasses.asdict(self.budget),
        }
        return Watch(
            report=report,
            checkpoints=self.checkpoints,
            development=development,
            meta=meta,
            samples=self.trainer.samples,
            session=session,
            metric=self.trainer.metric,
        )

    def best(self) -> float | None:
        """The best score on the development split, if there is one yet."""
        path = self.checkpoints.best()
        return None if path is None else snapshot.load_meta(path)["dev"]["BLEU"]["score"]

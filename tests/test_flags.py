"""The few arguments that have dashes."""

import pytest

from attn import flags


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        (["--help=yes"], ["--help=yes: takes no value; write --help"]),
        (["--cfg"], ["--cfg: needs a value; write --cfg=VALUE"]),
        (["--cfg=job", "-m"], ["-m: --cfg and --info show one config; leave -m out"]),
        (["-c", "job", "-c", "all"], ["-c=all: given twice, before it as -c=job"]),
        (
            ["--cfg=job", "--info"],
            ["--info: shows something else than --cfg; leave one of them out"],
        ),
        (
            ["--resolve", "--package=model"],
            [
                "--resolve: changes what --cfg shows; add --cfg=job",
                "--package: changes what --cfg shows; add --cfg=job",
            ],
        ),
        (
            ["--info=confg"],
            [
                "--info=confg: unknown; did you mean 'config'? choose one of all, config, "
                "defaults, defaults-tree, plugins, searchpath"
            ],
        ),
    ],
)
def test_flags_that_cannot_stand_are_named(arguments, problems):
    assert flags.parse(arguments)[2] == problems

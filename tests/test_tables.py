"""Tables in three forms."""

import pytest

from attn import tables

HEADER, ROWS = ["name", "BLEU"], [["a|b", "1.50"], ["c, d e", '2 "x"']]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("terminal", 'name    BLEU\na|b     1.50\nc, d e  2 "x"\n'),
        ("markdown", '| name | BLEU |\n| --- | --- |\n| a\\|b | 1.50 |\n| c, d e | 2 "x" |\n'),
        ("csv", 'name,BLEU\na|b,1.50\n"c, d e","2 ""x"""\n'),
    ],
)
def test_a_table_in_its_form(form, text):
    assert tables.FORMATS[form](HEADER, ROWS) == text


def test_elsewhere_than_on_a_terminal_a_table_is_plain(capsys):
    tables.show(HEADER, ROWS)
    assert capsys.readouterr().out == tables.plain(HEADER, ROWS)


def test_on_a_terminal_a_table_is_drawn(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    tables.show(HEADER, ROWS)
    said = capsys.readouterr().out
    assert "name" in said
    assert "c, d e" in said


def test_latex_is_escaped_and_marked():
    text = tables.latex(
        ["a_b", "Δ"],
        [["50% & {x}", "1.50 ± 0.20"], ["[a]", "<0.001"]],
        bold={(0, 1)},
        marks={(0, 1): "**"},
    )
    assert text.splitlines() == [
        "\\begin{tabular}{lr}",
        "\\toprule",
        "a\\_b & $\\Delta$ \\\\",
        "\\midrule",
        "50\\% \\& \\{x\\} & \\textbf{1.50 $\\pm$ 0.20}$^{**}$ \\\\",
        "{[}a] & $<$0.001 \\\\",
        "\\bottomrule",
        "\\end{tabular}",
    ]

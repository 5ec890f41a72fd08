"""Which files are read, and whether they have changed."""

from pathlib import Path

from attn.touched import files_read, unchanged


def test_what_is_read_inside_is_told_and_nothing_else(tmp_path):
    for name in ("before", "read", "inner", "gone"):
        (tmp_path / name).write_text("text")
    (tmp_path / "before").read_text()
    with files_read() as outer:
        (tmp_path / "read").read_bytes()
        with files_read() as inner:
            (tmp_path / "inner").open().close()
        (tmp_path / "gone").read_text()
        (tmp_path / "gone").unlink()
        (tmp_path / "written").write_text("text")
    (tmp_path / "before").read_text()
    assert {Path(one).name for one in outer} == {"read", "inner"}
    assert list(inner) == [str(tmp_path / "inner")]
    assert unchanged(outer)
    (tmp_path / "inner").write_text("other text")
    assert not unchanged(outer)
    (tmp_path / "inner").unlink()
    assert not unchanged(inner)

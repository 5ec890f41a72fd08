"""The checksum of the program's sources."""

from attn import edition


def test_it_changes_with_any_source(tmp_path, monkeypatch):
    monkeypatch.setattr(edition, "__file__", str(tmp_path / "edition.py"))
    found = []
    for name, text in (("a.py", "1"), ("a.py", "2"), ("below/b.py", "1"), ("a.txt", "3")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        found.append(edition.code.__wrapped__())
    assert len(set(found[:3])) == 3
    assert found[3] == found[2]
    assert {len(one) for one in found} == {8}

"""What is installed elsewhere: all of the package, all of the YAML, and nothing else."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.long
def test_the_wheel_holds_the_package_and_its_yaml(tmp_path):
    for folder in ("attn", "conf"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    for file in ("setup.cfg", "pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / file, tmp_path)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "dist"]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    code = {f"attn/{file.relative_to(ROOT / 'attn')}" for file in (ROOT / "attn").rglob("*.py")}
    yaml = {
        f"attn/conf/{file.relative_to(ROOT / 'conf')}" for file in (ROOT / "conf").rglob("*.yaml")
    }
    pages = {f"attn/pages/{file.name}" for file in (ROOT / "attn" / "pages").glob("*.[hcj]*")}
    assert packed == code | yaml | pages | {"attn/conf/__init__.py", "attn/py.typed"}

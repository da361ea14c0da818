"""Build the course as pages, from the stored outputs: python site/build.py [FOLDER]

Needs the extra `site` (`python3 start.py site` installs it) and no internet. Any warning is an error. Links to files of the
repository lead to the address in the variable SITE_REPOSITORY, else to `Repository` in pyproject's [project.urls], else to
copies of the files.
"""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

from sources import ROOT, Sources, repository
from sphinx.cmd.build import main as sphinx

sys.path.insert(0, str(ROOT))  # this folder's lib, installed or not

from lib.live import weights
from lib.models import trained_model


def build(folder: Path) -> int:
    """Write the site into a folder, which is deleted first; the exit code of Sphinx."""
    shutil.rmtree(folder, ignore_errors=True)
    work = folder.with_name(folder.name + "-work")
    Sources(work / "sources", repository()).write()
    settings = ["-c", str(ROOT / "site"), "-d", str(work / "doctrees")]
    code = sphinx(["-q", "-W", "--keep-going", "-b", "html", *settings, str(work / "sources"), str(folder)])
    shutil.copytree(work / "sources" / "outputs", folder / "outputs")
    live = folder / "_static" / "live"
    shutil.copytree(ROOT / "lib" / "live", live, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (live / "net.bin").write_bytes(weights(*trained_model()))
    lighten(folder)
    (folder / ".nojekyll").touch()  # or GitHub Pages leaves out every folder that begins with an underscore
    (folder / ".buildinfo").unlink(missing_ok=True)
    return code


def lighten(folder: Path) -> None:
    """Leave out what no reader needs: the theme's icons as a script of 1.5 MB (its style sheet has them, too), source maps,
    and names of folds that hide the words which stand on them.
    """
    for page in folder.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        text = re.sub(r'<script [^>]*src="[^"]*/fontawesome\.js[^>]*></script>', "", text)
        page.write_text(text.replace(' aria-label="Toggle hidden content"', ""), encoding="utf-8")
    for file in {*folder.rglob("*.map"), *folder.rglob("fontawesome.js*")}:
        file.unlink()


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "site").resolve()
    if code := build(folder):
        sys.exit(code)
    print(f"The site is in {os.path.relpath(folder)}. To read it at http://localhost:8000, with its live figures:")
    print(f"    python3 -m http.server -d {shlex.quote(os.path.relpath(folder))}")

"""Print each address outside the book that its text or bibliography names, and where it stands.

Nothing is looked up: whoever is online can hand the first column to a link checker.
"""

import json
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = re.compile(r"https?://[^\s<>\"'`\\{}|]+")
DOI = re.compile(r"^\s*doi\s*=\s*[{\"]([^}\"]+)", re.MULTILINE)
HERE = re.compile(r"https?://(127\.0\.0\.1|localhost)")


def texts() -> dict[str, str]:
    """Return what is read, by path: pages, their settings, the bibliography, the READMEs."""
    paths = [*ROOT.glob("*.md"), ROOT / "_config.yml", ROOT / "book/references.bib"]
    paths += [*(ROOT / "book").rglob("*.md"), *(ROOT / "dgm_core").rglob("*.md")]
    found = {path: path.read_text(encoding="utf8") for path in paths}
    for path in (ROOT / "book").rglob("*.ipynb"):
        if ".ipynb_checkpoints" not in path.parts:
            cells = json.loads(path.read_text(encoding="utf8"))["cells"]
            found[path] = "\n".join("".join(cell["source"]) for cell in cells)
    return {path.relative_to(ROOT).as_posix(): text for path, text in sorted(found.items())}


def links() -> dict[str, list[str]]:
    """Return the addresses, sorted, each with the files that name it."""
    found = defaultdict(list)
    for path, text in texts().items():
        here = {trim(address) for address in ADDRESS.findall(text) if not HERE.match(address)}
        here |= {f"https://doi.org/{doi}" for doi in DOI.findall(text)}
        for address in here:
            found[address].append(path)
    return dict(sorted(found.items()))


def trim(address: str) -> str:
    """Take off what closes a sentence or a link, not brackets that belong to an address."""
    while address and (
        address[-1] in ".,;:!?*_"
        or (address[-1] == ")" and address.count("(") < address.count(")"))
    ):
        address = address[:-1]
    return address


if __name__ == "__main__":
    for address, paths in links().items():
        print(f"{address}  {', '.join(paths)}")

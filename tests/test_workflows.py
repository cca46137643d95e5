"""The workflows: what they name is there, and Binder's Python is one that they test."""

import re

import pytest
import yaml
from browser import ROOT
from packaging.specifiers import SpecifierSet
from tested_versions import project

FOLDER = ROOT / ".github/workflows"
TEXTS = {path.stem: path.read_text(encoding="utf8") for path in FOLDER.glob("*.yml")}
BOOK = yaml.safe_load(TEXTS["book"])
PYTHONS = BOOK["jobs"]["test"]["strategy"]["matrix"]["python"]
# The first major version of each that runs on Node 24; GitHub took away Node 20 in 2026.
ALIVE = {
    "checkout": 5,
    "setup-python": 6,
    "setup-node": 5,
    "upload-artifact": 6,
    "download-artifact": 7,
    "upload-pages-artifact": 5,
    "deploy-pages": 5,
}


@pytest.mark.parametrize("name", TEXTS)
def test_every_action_has_a_runtime(name):
    used = re.findall(r"uses: actions/([\w-]+)@v(\d+)$", TEXTS[name], re.MULTILINE)
    assert len(used) == TEXTS[name].count("uses:") > 0
    assert [action for action, major in used if int(major) < ALIVE[action]] == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_file_that_is_named_is_there(name):
    named = re.findall(r"(?<![\w./])(?:tools|\.ci|\.binder)/[\w.]+", TEXTS[name])
    assert named and [path for path in named if not (ROOT / path).exists()] == []
    jobs = yaml.safe_load(TEXTS[name])["jobs"]
    needs = [job.get("needs", []) for job in jobs.values()]
    needed = {one for each in needs for one in ([each] if isinstance(each, str) else each)}
    assert needed <= set(jobs)


def test_each_python_is_one_that_the_package_allows():
    allowed = SpecifierSet(project()["requires-python"])
    assert PYTHONS and all(allowed.contains(version) for version in PYTHONS)
    binder = (ROOT / ".binder/runtime.txt").read_text(encoding="utf8").strip()
    assert binder.removeprefix("python-") in PYTHONS
    published = set(re.findall(r"matrix\.python == '([\d.]+)'", TEXTS["book"]))
    assert len(published) == 1 and published <= set(PYTHONS)


def test_binder_s_branch_gets_the_package_in_place_of_the_folder():
    (script,) = (
        step["run"] for step in BOOK["jobs"]["notebooks"]["steps"] if "mkdir .binder" in
        step.get("run", "")
    )  # fmt: skip
    (pattern,) = re.findall(r"s#(\S+)#dgm_core @", script)
    pattern = pattern.replace("\\$", "$")
    lines = (ROOT / ".binder/requirements.txt").read_text(encoding="utf8").splitlines()
    assert [line for line in lines if re.search(pattern, line)] == ["."]

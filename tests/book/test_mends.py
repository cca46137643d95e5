"""What is replaced in others' files and pages is there, and the build says where it is not."""

import logging
from pathlib import Path

import mends
import pytest
from browser import ROOT
from jupyter_core.paths import jupyter_path

MEND = mends.Mend(r"(\w+)\.origin", r"\1.href", "the address is wrong")


@pytest.fixture(autouse=True)
def plain_logger(monkeypatch):
    """A logger without Sphinx, which knows no types of warnings."""

    class Plain(logging.LoggerAdapter):
        def process(self, message, options):
            return message, {}

    monkeypatch.setattr(mends, "logger", Plain(logging.getLogger("mends"), {}))


def test_a_mend_replaces_what_it_names(caplog):
    assert mends.apply([MEND], "a.origin + b.origin", "lib 1.0") == "a.href + b.href"
    assert caplog.messages == []


def test_a_mend_that_finds_nothing_is_told_with_file_and_version(caplog):
    assert mends.apply([MEND], "a.host", "lib 1.0, lib/index.js") == "a.host"
    (message,) = caplog.messages
    assert "lib 1.0, lib/index.js" in message and MEND.why in message


@pytest.mark.parametrize("name", mends.MODULES)
def test_the_installed_version_has_what_is_mended(name, caplog):
    if name.startswith("@"):
        path = ROOT / "node_modules" / name / "dist/embed-amd.js"
        if not path.exists():
            pytest.skip("node_modules is not there: run npm ci")
        text = path.read_text(encoding="utf8")
    else:
        found = (Path(folder, name, "index.js") for folder in jupyter_path("nbextensions"))
        text = next(filter(Path.is_file, found)).read_text(encoding="utf8")
    assert mends.apply(mends.MODULES[name], text, name) != text
    assert caplog.messages == []

"""One palette for figures, live figures and pages."""

import re

from browser import ROOT

from dgm_core.plotting import COLORS


def test_the_pages_colours_are_the_figures():
    css = (ROOT / "book/_ext/web/dgm.css").read_text()
    assert dict(re.findall(r"--dgm-(\w+): (#\w{6});", css)) == COLORS


def test_the_logo_wears_them():
    for name in ("logo", "favicon"):
        svg = (ROOT / f"book/_ext/web/{name}.svg").read_text()
        assert set(re.findall(r"#\w{6}", svg)) <= set(COLORS.values())


def test_live_figures_wear_them():
    css = (ROOT / "dgm_core/live/web/live.css").read_text()
    for role, colour in re.findall(r"--dgm-(\w+): (#\w{6});", css):
        if role in COLORS:
            assert colour == COLORS[role], role

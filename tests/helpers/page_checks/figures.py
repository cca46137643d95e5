"""Live figures: each agrees with PyTorch; and what stands there without scripts or runtime.

Each graph brought some inputs and PyTorch's outputs for them to the page (its probe); what the
page makes of the same inputs stands in ``data-dgm-parity``, and must agree to 1e-4.
"""

import json

from browser import UNSET
from visits import Visit, check

GRAPHS = "[data-dgm-state]"


@check("http", "file", "telephone", "dark", needs="figures")
def every_figure_is_ready_and_agrees_with_pytorch(visit: Visit) -> None:
    page = visit.page
    assert page.locator(".dgm-figure").count() == page.locator(".dgm-caption").count() > 0
    graphs = page.locator(GRAPHS).all()
    assert graphs
    for graph in graphs:
        assert graph.get_attribute("data-dgm-state") == "ready", graph.inner_text()
        assert graph.get_attribute("data-dgm-backend") == "browser"
        assert float(graph.get_attribute("data-dgm-parity")) <= 1e-4
        assert "NaN" not in graph.get_attribute("data-dgm-output")
        assert "null" not in graph.get_attribute("data-dgm-output")
        json.loads(graph.get_attribute("data-dgm-output"))


@check("without-script", needs="figures")
def a_picture_and_its_caption_stay(visit: Visit) -> None:
    captions = visit.page.locator(".dgm-caption").all()
    assert captions
    for caption in captions:
        assert caption.locator("p").is_visible()
        cell = caption.locator("xpath=ancestor::*[contains(@class, 'cell_output')]")
        picture = cell.locator("img.dgm-still").first
        assert picture.is_visible() and picture.get_attribute("alt")
        assert picture.bounding_box()["width"] > 200


@check("held-runtime", needs="figures formulas")
def formulas_wait_for_no_figure(visit: Visit) -> None:
    assert visit.page.evaluate(f"({UNSET})().length") == 0


@check("without-runtime", needs="figures")
def a_figure_says_in_words_that_it_stopped(visit: Visit) -> None:
    for graph in visit.page.locator(GRAPHS).all():
        assert graph.get_attribute("data-dgm-state") == "error"
        words = graph.inner_text()
        assert words.startswith("This figure stopped") and "Reload the page" in words

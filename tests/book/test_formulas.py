"""Formulas are set while the book is built, as MathJax sets them, each glyph once a page."""

import json
import re
from types import SimpleNamespace

import formulas
import pytest
from browser import ROOT

SETTINGS = {"tex": {"macros": {"E": "\\mathbb{E}"}}}


@pytest.fixture(scope="module")
def setter():
    if not formulas.possible(ROOT):
        pytest.skip("there is no MathJax, or no Node: run npm ci")
    made = formulas.Setter(ROOT / "node_modules/mathjax", SETTINGS)
    yield made
    made.close()


def page(body):
    return f"<html><body>{body}</body></html>"


def test_a_formula_is_drawn_and_said(setter):
    text = setter(r"\E[x] < 1")
    assert text.startswith("<mjx-container") and '<svg style="vertical-align' in text
    assert 'aria-hidden="true"' in text
    spoken = re.search(r"<mjx-assistive-mml.*</mjx-assistive-mml>", text)[0]
    assert "<mi>x</mi>" in spoken and "<mo>&lt;</mo>" in spoken
    assert 'display="true"' in setter("x", True) and 'display="true"' not in text
    assert "mjx-assistive-mml" in setter.style


def test_a_formula_that_may_have_to_scroll_is_reached_by_keys(setter):
    assert 'tabindex="0"' not in setter("x + y")
    assert 'tabindex="0"' in setter("x", True)
    assert 'tabindex="0"' in setter(" + ".join(["x_{1,2,3}"] * 12))


def test_what_mathjax_cannot_read_is_an_error_and_the_next_one_is_not(setter):
    with pytest.raises(ValueError, match=r"cannot read \\frac"):
        setter(r"\frac{")
    assert setter("y")


def test_all_formulas_of_a_page_are_set_and_nothing_else_changes(setter):
    body = (
        r'<p>a <span class="math notranslate nohighlight">\(a &lt; b\)</span> c</p>'
        r'<div class="math notranslate nohighlight" id="equation-e">'
        r'<span class="eqno">(1)<a class="headerlink" href="#equation-e">#</a></span>\[x^2'
        "\n"
        r"\]</div>"
        r'<div class="amsmath math notranslate nohighlight">\begin{align*}a\end{align*}</div>'
        r"<code>\(untouched\)</code>"
    )
    text = formulas.set_all(page(body), setter, set())
    assert text.count("<mjx-container") == 3
    assert r"\(untouched\)" in text and "<p>a <span" in text and '(1)<a class="headerlink"' in text
    assert re.findall(r"\\[\[(](?!u)", text) == []


def test_each_glyph_stands_once(setter):
    body = r'<span class="math">\(xx\)</span><span class="math">\(x\)</span>'
    text = formulas.set_all(page(body), setter, set())
    (defined,) = re.findall(r'<path id="dgm-(g\d+)"', text)
    assert text.count(f'<use href="#dgm-{defined}"') == 3
    assert text.endswith("</body></html>")


def test_a_page_without_formulas_stays_as_it_is(setter):
    assert formulas.set_all(page("<p>no</p>"), setter, set()) == page("<p>no</p>")


def test_what_widgets_show_is_set_beside_the_page(setter):
    states = [
        {"description": "$z_1$", "_esm": "`${a}$`"},
        {"_question": {"choices": ["$x$ or $y$", "costs 5 $"]}, "value": 3},
    ]
    found = formulas.of_widgets(states)
    assert found == {"z_1", "x", "y"}
    text = formulas.set_all(page(""), setter, found)
    data = re.search(r'<script type="application/json" id="dgm-formulas">(.*?)</script>', text)[1]
    ready = json.loads(data)
    assert set(ready) == found and all("<use href" in formula for formula in ready.values())


def test_without_node_there_is_nothing_to_do(monkeypatch):
    monkeypatch.setattr(formulas, "shutil", SimpleNamespace(which=lambda name: None))
    assert not formulas.possible(ROOT)

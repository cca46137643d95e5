"""The book's shell, on a throw-away book: a CDN without npm, every Sphinx part, requirements."""

import importlib.metadata
import json
import re
import shutil
import xml.etree.ElementTree as ElementTree

import book_assets
import nbformat
import pytest
import yaml
from browser import PATIENCE, ROOT, build, serve
from packaging.requirements import Requirement
from sphinx.errors import ConfigError

PAGE = r"""
# A page

{cite:t}`kingma2014autoencoding` bounds $\log p(x)$ by {eq}`bound`; see {prf:ref}`bounded`.

$$\log p(x) \ge \ELBO(x), \quad \KL{q(z \given x)}{p(z)} \ge 0$$ (bound)

```{prf:theorem} A bound
:label: bounded
$\E[x] = 0$.
```

```{exercise}
:label: one
Why?
```

```{solution} one
:class: dropdown
Because.
```

:::{dropdown} Folded
A text.
:::

```{note}
:class: toggle
Toggled.
```

```{bibliography}
:filter: docname in docnames
```
"""
SITE = "https://someone.github.io/book/"  # of the repository below
WIDGET = "import ipywidgets\nipywidgets.FloatSlider(description='z')"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A book of one page and one notebook, with our settings and without node_modules."""
    folder = tmp_path_factory.mktemp("book")
    shutil.copytree(ROOT / "book/_ext", folder / "book/_ext")
    shutil.copy(ROOT / "book/references.bib", folder / "book")
    shutil.copy(ROOT / "package-lock.json", folder)
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf8"))
    config["repository"]["url"] = "https://github.com/someone/book"
    (folder / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf8")
    (folder / "_toc.yml").write_text(
        "{format: jb-book, root: page, chapters: [{file: widget}]}", encoding="utf8"
    )
    (folder / "page.md").write_text(PAGE, encoding="utf8")
    cells = [nbformat.v4.new_markdown_cell("# A widget"), nbformat.v4.new_code_cell(WIDGET)]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, folder / "widget.ipynb")
    return folder


@pytest.fixture(scope="module")
def html(folder):
    run = build(folder)
    assert run.returncode == 0, run.stdout[-4000:]
    return folder / "_build/html"


def scripts(page):
    return re.findall(r'<script[^>]*\bsrc="([^"?]+)', page.read_text(encoding="utf8"))


def test_without_npm_the_locked_versions_come_from_a_cdn(html):
    versions = book_assets.locked_versions(ROOT)
    found = scripts(html / "widget.html")
    cdn = book_assets.CDN
    assert f"{cdn}/requirejs@{versions['requirejs']}/require.js" in found
    widgets = f"{cdn}/@jupyter-widgets/html-manager@{versions['@jupyter-widgets/html-manager']}"
    assert f"{widgets}/dist/embed-amd.js" in found
    text = (html / "widget.html").read_text(encoding="utf8")
    ort = f"{cdn}/onnxruntime-web@{versions['onnxruntime-web']}/dist/"
    assert f'data-ort="{ort}"' in text and f'data-widgets="{widgets}/dist/"' in text
    mathjax = f"{cdn}/mathjax@{versions['mathjax']}/es5/tex-svg-full.js"
    assert mathjax in scripts(html / "page.html")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_a_reader_who_is_online_has_widgets_from_the_cdn(html, browser, scheme):
    if not (ROOT / "node_modules").exists():
        pytest.skip("stands in for the CDN with node_modules, which is not there: run npm ci")

    def answer(route):
        name, version, path = re.match(
            rf"{re.escape(book_assets.CDN)}/(@?[^@]+)@([^/]+)/(.+)", route.request.url
        ).groups()
        assert version == book_assets.locked_versions(ROOT)[name]
        asked.append(name)
        headers = {"access-control-allow-origin": "*"}
        route.fulfill(path=ROOT / "node_modules" / name / path, headers=headers)

    asked = []
    with serve(html) as address, browser.new_context() as context:
        context.set_default_timeout(PATIENCE)
        context.route(f"{book_assets.CDN}/**", answer)
        page = context.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{address if scheme == 'http' else html.as_uri()}/widget.html")
        page.get_by_role("slider", name="z").wait_for()
        page.get_by_role("slider", name="z").press("ArrowRight")
        assert page.locator(".widget-readout").text_content() == "0.10"
    assert errors == [] and {"requirejs", "@jupyter-widgets/html-manager"} <= set(asked)


def test_the_lock_file_has_what_package_json_asks_for_and_no_download_address():
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf8"))
    asked = json.loads((ROOT / "package.json").read_text(encoding="utf8"))
    assert lock["packages"][""]["dependencies"] == asked["dependencies"]
    assert set(book_assets.FILES) == set(asked["dependencies"])
    assert not any("resolved" in package for package in lock["packages"].values())


def test_the_modules_of_the_widgets_are_those_of_the_installed_packages(html):
    for name in book_assets.WIDGET_MODULES:
        assert (html / f"_static/vendor/{name}.js").stat().st_size > 10_000


def test_a_package_of_widgets_that_is_not_here_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(book_assets, "jupyter_path", lambda *parts: [str(tmp_path / "nowhere")])
    with pytest.raises(ConfigError, match=r"nowhere/anywidget/index\.js: install anywidget"):
        book_assets.assemble(ROOT, tmp_path / "vendor")


def test_scripts_for_widgets_wait_for_the_text(html):
    text = (html / "widget.html").read_text(encoding="utf8")
    for name in ("require.js", "dgm-setup.js", "embed-amd.js"):
        tag = re.search(rf"<script[^>]*{re.escape(name)}[^>]*>", text).group()
        assert "defer" in tag


def test_inline_scripts_stand_once(html):
    inline = re.findall(
        r"<script>(.+?)</script>", (html / "page.html").read_text(encoding="utf8"), re.DOTALL
    )
    assert len(inline) == len(set(inline))


@pytest.mark.parametrize(
    "part",
    [
        r"Theorem 1.{0,60}A bound",  # sphinx-proof
        r"<a class=.reference internal.[^>]*>Theorem 1</a>",  # a reference to it
        r'class="exercise admonition"',  # sphinx-exercise
        r"solution dropdown admonition",  # folded by sphinx-togglebutton
        r"toggle admonition|note toggle",  # sphinx-togglebutton
        r"<details class=\"sd-[^>]*sd-dropdown",  # sphinx-design
        r"Kingma and Welling \[<a",  # sphinxcontrib-bibtex, author and year
        r"Auto-encoding variational Bayes",  # and its list
        r'"KL": \["D_',  # macros, one place
        r"github\.com/someone/book",  # the repository's buttons, one setting
    ],
)
def test_each_sphinx_part_works(html, part):
    assert re.search(part, (html / "page.html").read_text(encoding="utf8"), re.DOTALL)


def test_pages_is_told_to_serve_underscored_folders(html):
    assert (html / ".nojekyll").exists()


def test_the_front_door_leads_to_the_first_page(html):
    text = (html / "index.html").read_text(encoding="utf8")
    assert 'url=page.html"' in text and "<title>Deep generative models</title>" in text


def test_with_an_address_each_page_says_where_it_belongs(html):
    for name in ("page", "widget"):
        text = (html / f"{name}.html").read_text(encoding="utf8")
        assert f'<link rel="canonical" href="{SITE}{name}.html"' in text
        assert f'<meta property="og:url" content="{SITE}{name}.html">' in text
        assert f'<meta property="og:image" content="{SITE}_static/preview.png">' in text


def test_with_an_address_there_is_a_sitemap(html):
    tree = ElementTree.parse(html / "sitemap.xml")
    places = [e.text for e in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert places == [f"{SITE}page.html", f"{SITE}widget.html"]


def test_with_an_address_a_notebook_opens_in_binder_and_colab(html):
    text = (html / "widget.html").read_text(encoding="utf8")
    assert (
        "https://mybinder.org/v2/gh/someone/book/notebooks?urlpath=lab/tree/widget.ipynb" in text
    )
    assert (
        "https://colab.research.google.com/github/someone/book/blob/notebooks/widget.ipynb" in text
    )
    assert ".venv/bin/jupyter lab widget.ipynb" in text
    assert "%pip install -q git+https://github.com/someone/book@main" in text


def test_with_an_address_a_mistake_is_reported_there(html):
    form = "https://github.com/someone/book/issues/new?template=mistake.yml&amp;page="
    for name, title in (("page", "A+page"), ("widget", "A+widget")):
        line = f'<a href="{form}{title}">Report a mistake</a>'
        assert (html / f"{name}.html").read_text("utf8").count(line) == 1


def test_with_an_address_a_notebook_for_elsewhere_installs_and_leads_home(html):
    made = nbformat.read(html / "_notebooks/widget.ipynb", 4)
    assert f"{SITE}widget.html" in made.cells[0].source
    assert made.cells[1].source == "%pip install -q git+https://github.com/someone/book@main"
    assert [cell.source for cell in made.cells[2:]] == ["# A widget", WIDGET]


def test_with_an_address_a_lost_reader_is_led_there(html):
    text = (html / "404.html").read_text(encoding="utf8")
    assert f'href="{SITE}page.html"' in text and "A widget" in text


def test_a_changed_style_reaches_a_book_that_is_built_again(html, folder):
    with (folder / "book/_ext/web/dgm.css").open("a", encoding="utf8") as style:
        style.write("/* changed */\n")
    build(folder)
    assert (html / "_static/dgm.css").read_text(encoding="utf8").endswith("/* changed */\n")


def requirements():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf8").splitlines()
    stripped = (line.split("#")[0].strip() for line in lines)
    return [line for line in stripped if line and not line.startswith("-")]


@pytest.mark.parametrize("line", requirements())
def test_requirements_are_ranges_that_admit_what_is_installed(line):
    requirement = Requirement(line)
    assert not any(bound.operator == "==" for bound in requirement.specifier)
    assert importlib.metadata.version(requirement.name) in requirement.specifier


def test_the_package_s_own_requirements_admit_what_is_installed():
    for line in importlib.metadata.requires("dgm_core"):
        requirement = Requirement(line)
        assert importlib.metadata.version(requirement.name) in requirement.specifier

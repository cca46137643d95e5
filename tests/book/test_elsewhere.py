"""Chapters as notebooks for elsewhere: nothing of MyST is left, and a plain kernel runs them."""

import json
import os
import re
import subprocess
import sys
import venv

import elsewhere
import nbformat
import plain_markdown
import pytest
from bare_environment import build_wheel
from browser import ROOT, pages_of_the_book
from docutils import nodes

CHAPTERS = [page for page in pages_of_the_book() if (ROOT / page).with_suffix(".ipynb").exists()]
LEFT = re.compile(
    r"\{[a-z][a-z:-]*\}`|^(?:`{3,}|:{3,})\{|^\([\w-]+\)=$|\\(?:KL|JSD|ELBO|given|Bern|E|R|N)\b",
    re.MULTILINE,
)
SHORT = ["book/vae/kl-divergence", "book/gan/minimax", "book/flow/change-of-variables"]
WIDGETS = ["ipywidgets==7.7.1", "ipython_genutils"]  # as Colab has them
# In the kernel: it has those widgets, and the wheel's package.
CHECK = f"""
import dgm_core, ipywidgets
assert ipywidgets.__version__ == {WIDGETS[0].split("==")[1]!r}
assert not dgm_core.__file__.startswith({str(ROOT / "dgm_core")!r})
"""


class Env:
    """What the writer asks of Sphinx's environment: numbers, by page, kind and anchor."""

    toc_fignumbers = {"a/b": {"displaymath": {"eq": (7,)}}}  # noqa: RUF012


def write(*children, home="https://x.org/", macros=None):
    document = nodes.section("", *children)
    pieces = plain_markdown.Markdown(Env, "a/b", home, macros or {}).write([document][0])
    return "\n\n".join(map(str, pieces))


def test_a_kind_of_text_that_is_not_known_is_an_error():
    with pytest.raises(plain_markdown.Unknown, match="a/b: no Markdown is known for a line_block"):
        write(nodes.line_block("", nodes.line("", "a")))
    with pytest.raises(plain_markdown.Unknown, match="subscript within a line"):
        write(nodes.paragraph("", "", nodes.subscript("", "2")))


def test_formulas_have_their_numbers_and_no_macros():
    block = nodes.math_block("", r"\KL{q}{p} = \E[x]", number=1, ids=["eq"])
    macros = {"E": r"\mathbb{E}", "KL": [r"D(#1 \| #2)", 2]}
    assert write(block, macros=macros) == "$$\nD(q \\| p) = \\mathbb{E}[x] \\tag{7}\n$$"
    assert plain_markdown.expanded(r"\R^2 \Rightarrow \R x", "R", "R") == r"R^2 \Rightarrow R x"


def test_a_formula_in_a_quotation_is_one_line():
    formula = nodes.math_block("", "\\begin{aligned}\na &= b \\\\ % so\nc &= 5\\%\n\\end{aligned}")
    written = write(nodes.admonition("", nodes.title("", "Note"), formula))
    assert written.splitlines()[-1] == (
        "> $$ \\begin{aligned} a &= b \\\\ c &= 5\\% \\end{aligned} $$"
    )
    assert write(nodes.paragraph("", "", nodes.math("", "a\n= b"))) == "$a = b$"


def solution():
    """A solution with a text, a code cell with an output, and another text."""
    source = nodes.container("", nodes.literal_block("", "1 + 1", language="python"))
    output = nodes.container("", nodes.literal_block("", "2"), nb_element="cell_code_output")
    cell = nodes.container("", source, output, nb_element="cell_code", cell_index=4)
    parts = [nodes.title("", "Solution to `f` < 2"), nodes.paragraph("", "So."), cell]
    return type("solution_node", (nodes.Admonition, nodes.Element), {})("", *parts)


def test_a_solution_is_folded_and_its_code_follows_it():
    writer = plain_markdown.Markdown(Env, "a/b", "", {})
    text, cell, rest = writer.write(nodes.section("", solution(), nodes.paragraph("", "Then.")))
    assert text.startswith("<details>\n<summary><b>Solution to f &lt; 2</b></summary>\n\nSo.\n\n")
    assert text.endswith("```python\n1 + 1\n```\n\n</details>")
    assert (cell, rest, writer.solutions) == (4, "Then.", {4})


def test_a_box_that_a_page_folds_is_folded():
    box = nodes.admonition("", nodes.title("", "Deeper: why"), nodes.paragraph("", "So."))
    assert write(box) == "> **Deeper: why**\n>\n> So."
    box["classes"].append("dropdown")
    assert write(box) == ("<details>\n<summary><b>Deeper: why</b></summary>\n\nSo.\n\n</details>")


def test_code_that_a_page_folds_is_folded_in_jupyterlab_and_on_colab():
    cells = [nbformat.v4.new_code_cell(str(number)) for number in range(4)]
    cells[0].metadata["tags"], cells[3].metadata["tags"] = ["hide-input"], ["hide-cell"]
    source = nbformat.v4.new_notebook(cells=cells)
    made = elsewhere.notebook(source, [0, 1, "a", 2, 3], "", "", "", solutions={2})
    shown = [cell for cell in made.cells if cell.cell_type == "code"]
    assert [cell.metadata.get("cellView", "") for cell in shown] == ["form", "", "form", "form"]
    folded = {"source_hidden": True}
    assert [cell.metadata.get("jupyter") for cell in shown] == [folded, None, folded, folded]
    assert shown[0].source == f"# @title {elsewhere.FOLDED['hide-input']}\n0"


def test_links_lead_home_and_are_words_where_there_is_none():
    link = nodes.reference("", "there", refuri="../c/d.html#e", internal=True)
    assert write(nodes.paragraph("", "", link)) == "[there](https://x.org/c/d.html#e)"
    assert write(nodes.paragraph("", "", link), home="") == "there"
    outside = nodes.reference("", "out", refuri="https://example.org/")
    assert write(nodes.paragraph("", "", outside), home="") == "[out](https://example.org/)"


def test_the_first_code_cell_installs_where_a_repository_is_known():
    options = {"repository_url": "https://github.com/a/b/", "repository_branch": "main"}
    line = elsewhere.install_line(options)
    assert line == "%pip install -q git+https://github.com/a/b@main"
    assert elsewhere.install_line({}) == ""
    bare = elsewhere.notebook(nbformat.v4.new_notebook(), [], "", "", "")
    assert "pip install" in bare.cells[0].source
    source = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    made = elsewhere.notebook(source, ["# A", 0], "https://x.org/", "a/b", line)
    assert [cell.source for cell in made.cells[1:]] == [line, "# A", "1 + 1"]
    assert "https://x.org/a/b.html" in made.cells[0].source


def test_code_that_no_page_shows_stays_in_its_place():
    cells = [nbformat.v4.new_code_cell(str(number)) for number in range(4)]
    made = elsewhere.notebook(nbformat.v4.new_notebook(cells=cells), ["a", 1, "b"], "", "", "")
    assert [cell.source for cell in made.cells[1:]] == ["a", "0", "1", "b", "2", "3"]


def test_the_buttons_lead_to_the_notebook_for_elsewhere():
    download = {"url": "../_sources/book/a.ipynb"}
    colab = {"url": "https://colab.research.google.com/github/a/b/blob/main/book/a.ipynb"}
    binder = {"url": "https://mybinder.org/v2/gh/a/b/main?urlpath=lab/tree/book/a.ipynb"}
    other = {"url": "https://github.com/a/b/edit/main/book/a.ipynb"}
    buttons = [{"buttons": [download, colab]}, binder, other]
    elsewhere.redirect(buttons, "../_notebooks/book/a.ipynb", {"repository_branch": "main"})
    assert download["url"] == "../_notebooks/book/a.ipynb"
    assert colab["url"].endswith("/a/b/blob/notebooks/book/a.ipynb")
    assert binder["url"].endswith("/a/b/notebooks?urlpath=lab/tree/book/a.ipynb")
    assert other["url"].endswith("/edit/main/book/a.ipynb")


@pytest.mark.book
@pytest.mark.parametrize("page", CHAPTERS)
def test_nothing_of_myst_is_left_and_all_code_is_there(built_book, page):
    path = built_book / elsewhere.FOLDER / page.replace(".html", ".ipynb")
    made = nbformat.read(path, 4)
    nbformat.validate(made)
    for cell in made.cells:
        if cell.cell_type == "markdown":
            assert LEFT.findall(re.sub(r"```.*?```|`[^`\n]*`", "", cell.source)) == []
        else:
            assert "myst_nb" not in cell.source
    source = nbformat.read((ROOT / page).with_suffix(".ipynb"), 4)
    code = [cell for cell in source.cells if cell.cell_type == "code"]
    kept = [cell for cell in made.cells if cell.cell_type == "code"]
    assert len(kept) - len(code) in (0, 1)  # and the one that installs
    untitled = [re.sub(r"\A# @title .*\n", "", cell.source) for cell in kept]
    assert untitled[-len(code) :] == [cell.source for cell in code]
    assert f"{elsewhere.FOLDER}/{page.replace('.html', '.ipynb')}" in (
        built_book / page
    ).read_text("utf8")


@pytest.fixture(scope="module")
def plain_python(tmp_path_factory):
    """A Python that sees this environment's packages, and before them Colab's widgets.

    Skipped where those can not be had, without a network.
    """
    folder = tmp_path_factory.mktemp("colab")
    venv.create(folder, symlinks=True, system_site_packages=False)
    python = folder / "bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    found = subprocess.run([*pip, "--no-deps", *WIDGETS])
    if found.returncode:
        pytest.skip("PyPI is out of reach")
    wheel = build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    here = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "rest.pth").write_text(here, encoding="utf8")  # after the folder's own
    return python


@pytest.mark.book
@pytest.mark.parametrize("chapter", SHORT)
def test_a_plain_kernel_with_the_widgets_of_colab_runs_it(
    built_book, plain_python, chapter, tmp_path
):
    made = nbformat.read(built_book / elsewhere.FOLDER / f"{chapter}.ipynb", 4)
    made.cells.append(nbformat.v4.new_code_cell(CHECK))
    nbformat.write(made, tmp_path / "chapter.ipynb")
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env["OMP_NUM_THREADS"] = "1"  # two threads beside another test are several times slower
    run = subprocess.run(
        [plain_python, ROOT / "tools/run_elsewhere.py", tmp_path / "chapter.ipynb"],
        capture_output=True,
        encoding="utf8",
        cwd=tmp_path,
        env={**env, "HOME": str(tmp_path)},  # no kernels of this machine's, and no fonts' list
    )
    assert run.returncode == 0, (run.stdout + run.stderr)[-3000:]


def test_the_converted_notebooks_are_written_alike_each_time(tmp_path):
    source = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    made = [elsewhere.notebook(source, ["a", 0], "", "b", "") for _ in range(2)]
    assert json.dumps(made[0], sort_keys=True) == json.dumps(made[1], sort_keys=True)

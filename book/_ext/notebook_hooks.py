"""Where the book's notebooks get executed: by the build, by `pytest --nbmake`, once for both.

A Sphinx extension and a pytest plugin. Both hand the notebooks that they need to a pool
(notebook_run), which takes from the cache (notebook_cache) what has been executed already.

``DGM_PAGE`` (`make book PAGE=vae/elbo`) has the build execute those chapters only. The others are
built as text that says so; a later build without it executes them and makes their pages anew.
"""

import glob
import json
import logging as std_logging
import os
import re
from pathlib import Path

import notebook_cache
import notebook_run
from docutils import nodes
from sphinx.errors import ConfigError
from sphinx.util import logging

logger = logging.getLogger(__name__)

UNSEEN = """
:::{{warning}}
This chapter has not been run to its end on this machine: its figures are missing, and so is each
number that it computes (…). `make book PAGE={name}` runs it; `make book` runs all.
:::
"""

# ---- The build --------------------------------------------------------------------------------


def configure(app, config) -> None:
    """Let myst-nb read and fill the cache; a new one makes Sphinx read every page again."""
    folder = notebook_cache.cache_folder(Path(app.outdir).parent)
    config.nb_execution_cache_path = str(folder)
    notebook_run.settle_without_home(Path(app.outdir).parent)
    if os.environ.get("DGM_PAGE"):  # what links to a chapter without outputs finds no figure there
        config.suppress_warnings += ["ref", "myst.xref_missing", "mystnb"]


def once_more(app, env, added, changed, removed) -> list[str]:
    """Have Sphinx read pages again that the last build made without outputs, or warned of.

    Else the second of two builds would say that all is well.
    """
    unseen = getattr(env, "dgm_unseen", set())
    try:
        warned = set(json.loads(warned_file(app).read_text("utf8")))
    except (FileNotFoundError, ValueError):
        warned = set()
    return sorted((unseen | warned) & set(env.found_docs))


def warned_file(app) -> Path:
    """Return where the names of the pages are kept that a build has warned of."""
    return Path(app.doctreedir, "warned.json")


class Warned(std_logging.Handler):
    """Notes of which pages Sphinx warns.

    Attributes:
        names: of the pages.
    """

    def __init__(self, app):
        """Listen to the warnings of a build."""
        super().__init__(std_logging.WARNING)
        self.app, self.names = app, set()

    def emit(self, record) -> None:
        """Note the page, where the warning is of one."""
        env = getattr(self.app, "env", None)
        if env is None:
            return
        place = getattr(record, "location", None)
        if isinstance(place, nodes.Node):
            place = logging.get_node_location(place)
        name = place[0] if isinstance(place, tuple) else place
        if name and name not in env.found_docs:
            name = env.path2doc(str(name).partition(":")[0])
        name = name or env.temp_data.get("docname")
        if name in env.found_docs:
            self.names.add(name)


def listen(app) -> None:
    """Begin to note of which pages this build warns."""
    app.dgm_warned = Warned(app)
    std_logging.getLogger(logging.NAMESPACE).addHandler(app.dgm_warned)


def remember(app, exception) -> None:
    """Keep the names of the pages that were warned of, for the next build."""
    std_logging.getLogger(logging.NAMESPACE).removeHandler(app.dgm_warned)
    text = json.dumps(sorted(app.dgm_warned.names))
    warned_file(app).write_text(text, encoding="utf8")


def execute(app, env, docnames) -> None:
    """Execute the notebooks among the pages that are about to be read, before myst-nb asks."""
    paths = {name: Path(env.doc2path(name)) for name in docnames}
    paths = {name: path for name, path in paths.items() if path.suffix == ".ipynb"}
    chosen = selected(os.environ.get("DGM_PAGE", ""), env)
    folder = Path(app.config.nb_execution_cache_path)
    now = [path for name, path in paths.items() if chosen is None or name in chosen]
    failed = set()
    for run in notebook_run.Pool(now, folder, logger.info).wait():
        if run.trace:  # shown already, when it happened
            name = notebook_run.name_of(run.path)
            logger.warning("%s failed in cell [%s]", name, run.cell, type="execution")
            failed.add(run.path)
    unseen = {
        name
        for name, path in paths.items()
        if path in failed or (path not in now and not notebook_cache.kept(folder, path))
    }
    env.dgm_unseen = (getattr(env, "dgm_unseen", set()) - set(docnames)) | unseen
    patterns = [glob.escape(paths[name].as_posix()) for name in sorted(unseen)]
    env.mystnb_config = env.mystnb_config.copy(execution_excludepatterns=patterns)


def selected(wish: str, env) -> set[str] | None:
    """Return the pages that ``DGM_PAGE`` names, as vae/elbo or book/vae/elbo.ipynb; None for all.

    Raises:
        ConfigError: there is no such page.
    """
    if not wish.strip():
        return None
    known = {notebook_run.name_of(Path(env.doc2path(name))): name for name in env.found_docs}
    names = set()
    for word in wish.replace(",", " ").split():
        short = word.removeprefix("./").removeprefix("book/").removesuffix(".ipynb")
        if short not in known:
            raise ConfigError(f"there is no page {word!r}; there are: {', '.join(sorted(known))}")
        names.add(known[short])
    return names


def say_unseen(app, docname, source) -> None:
    """Tell the readers of a chapter without outputs what is missing."""
    if docname not in getattr(app.env, "dgm_unseen", ()):
        return
    notebook = json.loads(source[0])
    told = False
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = re.sub(r"\{glue:text\}`[^`]*`", "…", "".join(cell["source"]))
            if not told:
                title, _, rest = text.partition("\n")
                name = notebook_run.name_of(Path(app.env.doc2path(docname)))
                text, told = "\n".join([title, UNSEEN.format(name=name), rest]), True
            cell["source"] = text
    source[0] = json.dumps(notebook)


def setup(app):
    app.connect("config-inited", configure)
    app.connect("builder-inited", listen)
    app.connect("env-get-outdated", once_more)
    app.connect("env-before-read-docs", execute)
    app.connect("source-read", say_unseen)
    app.connect("build-finished", remember)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


# ---- pytest -----------------------------------------------------------------------------------


class Notebooks:
    """The notebooks of a test session, executed side by side while it runs.

    Attributes:
        paths: of those that were collected and belong to the book.
        pool: None until the first is wanted.
    """

    def __init__(self, config):
        """Wait for what is collected."""
        self.config, self.paths, self.pool = config, [], None

    def pytest_collection_finish(self, session) -> None:
        """Note which notebooks were asked for."""
        files = {Path(i.filename) for i in session.items if getattr(i, "nbmake", False)}
        self.paths = sorted(p for p in files if p.is_relative_to(notebook_cache.ROOT / "book"))

    def run(self, path: Path) -> notebook_run.Run:
        """Return what became of a notebook; the first that is wanted starts them all.

        A worker of pytest-xdist starts this one alone: its neighbours execute the others.
        """
        if hasattr(self.config, "workerinput"):
            threads = max(1, notebook_run.cores() // self.config.workerinput["workercount"])
            folder = notebook_cache.cache_folder()
            return notebook_run.Pool([path], folder, self.say, threads).wait()[0]
        if self.pool is None:
            self.pool = notebook_run.Pool(self.paths, notebook_cache.cache_folder(), self.say)
        return self.pool.runs[path].result()

    def say(self, line: str) -> None:
        """Write a line between those of pytest."""
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(line)

    def pytest_unconfigure(self) -> None:
        """Leave no kernel behind, whatever ended the session."""
        if self.pool is not None:
            self.pool.stop()


def pytest_configure(config) -> None:
    """Have nbmake take its results from the pool, which keeps them for the build to read."""
    if not config.pluginmanager.hasplugin("nbmake"):
        return
    from nbmake import pytest_items
    from nbmake.nb_result import NotebookError, NotebookResult

    notebooks = Notebooks(config)
    config.pluginmanager.register(notebooks, "dgm-notebooks")

    class PooledRun(pytest_items.NotebookRun):
        def execute(self):
            if self.filename not in notebooks.paths:
                return super().execute()
            run = notebooks.run(self.filename)
            error = None
            if run.trace:
                summary = run.trace.splitlines()[-1]
                error = NotebookError(summary, run.trace, run.cell)
            return NotebookResult(nb=run.notebook, error=error)

    pytest_items.NotebookRun = PooledRun

"""Sphinx extension: the scripts, fonts and styles that a page needs, and where it finds them.

The browser's libraries (require.js, the widgets' HTML manager, onnxruntime-web, MathJax) are
taken from ``node_modules`` when ``npm ci`` has run; a page then needs no network at all. Without
npm the same versions, read from package-lock.json, come from a CDN. The widgets' own modules
(anywidget) always come with their Python package.
Nothing here knows a chapter: what is computed lives in dgm_core, when it runs in notebook_run.
"""

import json
import shutil
from pathlib import Path

import formulas
import mends
import packed
import pydata_sphinx_theme
from jupyter_core.paths import jupyter_path
from notebook_cache import fingerprint
from sphinx.errors import ConfigError
from sphinx.util import logging

from dgm_core import palette

logger = logging.getLogger(__name__)

WEB = Path(__file__).parent / "web"
CDN = "https://cdn.jsdelivr.net/npm"
WIDGET_MODULES = ("anywidget",)

# npm package -> the folder of _static/vendor that its files go to, and the files
FILES = {
    "requirejs": ("", ["require.js"]),
    "@jupyter-widgets/html-manager": ("widgets", ["dist/embed-amd.js", "dist/*.woff2"]),
    "mathjax": ("mathjax", ["es5/tex-svg-full.js", "es5/a11y", "es5/sre"]),  # without Node
    "onnxruntime-web": (
        "ort",
        [
            "dist/ort.wasm.bundle.min.mjs",
            "dist/ort-wasm-simd-threaded.wasm",
        ],
    ),
}


def locked_versions(root: Path) -> dict[str, str]:
    """Return the version of each npm package in FILES, as package-lock.json has it."""
    packages = json.loads((root / "package-lock.json").read_text(encoding="utf8"))["packages"]
    return {name: packages[f"node_modules/{name}"]["version"] for name in FILES}


def shipped(root: Path) -> bool:
    """Tell whether node_modules holds every file that a page needs."""
    modules = root / "node_modules"
    return all(
        any((modules / name).glob(pattern))
        for name, (_, patterns) in FILES.items()
        for pattern in patterns
    )


def assemble(root: Path, vendor: Path) -> bool:
    """Lay the browser's files into ``vendor``; return False where they must come from a CDN.

    Raises:
        ConfigError: a package of widgets has no script here.
    """
    shutil.rmtree(vendor, ignore_errors=True)
    vendor.mkdir(parents=True)
    modules = {}
    for module in WIDGET_MODULES:
        places = [Path(folder, module, "index.js") for folder in jupyter_path("nbextensions")]
        found = next(filter(Path.is_file, places), None)
        if found is None:
            raise ConfigError(
                f"{module}/index.js is in none of {', '.join(map(str, places))}: install {module} "
                "in the environment that builds the book, or name its place in JUPYTER_PATH"
            )
        text = found.read_text(encoding="utf8")
        source = f"{mends.installed(module)}, {module}/index.js"
        modules[module] = mends.apply(mends.MODULES.get(module, []), text, source)
    if not shipped(root):
        for module, text in modules.items():
            (vendor / f"{module}.js").write_text(text, encoding="utf8")
        return False
    for name, (folder, patterns) in FILES.items():
        if name == "mathjax" and formulas.possible(root):
            continue  # the pages have their formulas set
        (vendor / folder).mkdir(exist_ok=True)
        for pattern in patterns:
            for source in (root / "node_modules" / name).glob(pattern):
                copy = shutil.copytree if source.is_dir() else shutil.copyfile
                copy(source, vendor / folder / source.name)
    write_manager(root, vendor, modules)
    for path in list((vendor / "ort").iterdir()):
        packed.write(path, path.read_bytes())
        path.unlink()
    return True


def write_manager(root: Path, vendor: Path, modules: dict[str, str]) -> None:
    """Write all that draws a page's widgets as one script: require.js, the manager, our modules.

    Over http a page takes it packed; a page on disk runs it as it is.
    """
    name, manager = "@jupyter-widgets/html-manager", vendor / "widgets/embed-amd.js"
    source = f"{name} {locked_versions(root)[name]}, dist/{manager.name}"
    text = mends.apply(mends.MODULES[name], manager.read_text(encoding="utf8"), source)
    loader = vendor / "require.js"
    parts = [loader.read_text(encoding="utf8")]
    for module, body in modules.items():  # a module in a file of its own has no name in it
        named = body.replace("define([", f'define("{module}", [')
        parts.append(f"(() => {{\n{named}\n}})();\n")
    parts.append(packed.shake(text, source))
    whole = "".join(parts)
    manager.unlink()
    loader.unlink()
    (vendor / "widgets/manager.js").write_text(whole, encoding="utf8")
    (vendor / "widgets/manager.js.gz").write_bytes(packed.pack(whole.encode()))


def configure(app, config) -> None:
    """Point the book's pages at the assembled files, or at the CDN."""
    root = Path(app.confdir)
    assets = Path(app.outdir).parent / "assets"
    local = assemble(root, assets / "vendor")
    config.html_static_path += [str(WEB), str(assets)]
    (assets / "dgm-palette.css").write_text(palette.css(), encoding="utf8")
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static"
    packed.icons(theme, assets)

    # Sphinx copies styles and scripts only when it writes pages: have it write them anew.
    config.book_assets_fingerprint = fingerprint(Path(__file__).parent)
    versions = locked_versions(root)

    def url(name, path):
        folder, _ = FILES[name]
        at = f"vendor/{folder}" if local else f"{CDN}/{name}@{versions[name]}/{path}"
        return f"{at.rstrip('/')}/"

    if local:  # it brings the rest by itself, from the moment on at which the page begins
        config.nb_ipywidgets_js = {
            "dgm-setup.js": {"async": "async", "data-version": fingerprint(assets / "vendor")}
        }
        if formulas.possible(root):
            config.nb_ipywidgets_js["dgm-setup.js"]["data-formulas-are-set"] = ""
    else:
        logger.info("No node_modules: pages will take the browser's libraries from %s", CDN)
        dist = url("@jupyter-widgets/html-manager", "dist")
        # In this order, and deferred: nothing keeps the reader from the text.
        config.nb_ipywidgets_js = {
            url("requirejs", "") + "require.js": {"defer": "defer"},
            "dgm-setup.js": {
                "defer": "defer",
                "data-modules": " ".join(WIDGET_MODULES),
                "data-ort": url("onnxruntime-web", "dist"),
                "data-widgets": dist,
            },
            dist + "embed-amd.js": {"defer": "defer"},
        }
    config.mathjax_path = url("mathjax", "es5") + "tex-svg-full.js"
    if not formulas.possible(root):
        app.add_js_file("dgm-math.js", defer="defer")  # before MathJax, which comes with the pages

    options = config.html_theme_options
    for button in ("repository", "issues", "edit_page"):
        options[f"use_{button}_button"] = bool(options.get("repository_url"))


def mend_page(app, pagename, templatename, context, doctree) -> None:
    """Keep one of each inline script, and mend what a screen reader is told.

    Jupyter Book emits some scripts twice, and their constants clash.
    """
    seen = set()
    scripts = []
    for script in context.get("script_files", []):
        body = getattr(script, "attributes", {}).get("body")
        if body is None or body not in seen:
            scripts.append(script)
        seen.add(body)
    context["script_files"] = scripts
    for package, (sign, mend) in mends.PAGES.items():
        if sign in context.get("body", ""):
            source = f"{mends.installed(package)}, on the page {pagename},"
            context["body"] = mends.apply([mend], context["body"], source)


def write_front_door(app, exception) -> None:
    """Write index.html, which leads to the book's first page; Jupyter Book's has no title."""
    if exception is None and app.builder.format == "html":
        text = WEB.with_name("front-door.html").read_text(encoding="utf8")
        text = text.replace("TITLE", app.config.html_title)
        text = text.replace("FIRST", f"{app.config.master_doc}.html")
        Path(app.outdir, "index.html").write_text(text, encoding="utf8")


def setup(app):
    app.add_config_value("book_assets_fingerprint", "", "html")
    app.connect("config-inited", configure)
    app.connect("html-page-context", mend_page, priority=999)
    app.connect("build-finished", write_front_door, priority=100)  # before Jupyter Book's
    app.add_css_file("dgm-icons.css", priority=899)
    app.add_css_file("dgm-palette.css", priority=899)
    app.add_css_file("dgm.css", priority=900)  # after the theme's own styles
    app.add_js_file("dgm-page.js", defer="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}

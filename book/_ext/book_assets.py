"""Sphinx extension: the scripts, fonts and styles that a page needs, and where it finds them.

The browser's libraries (require.js, the widgets' HTML manager, onnxruntime-web, MathJax) are
taken from ``node_modules`` when ``npm ci`` has run; a page then needs no network at all. Without
npm the same versions, read from package-lock.json, come from a CDN. The widgets' own modules
(anywidget, bqplot, bqscales) always come with their Python packages.
Nothing here knows a chapter: what is computed lives in dgm_core, when it runs in notebook_cache.
"""

import base64
import json
import shutil
from pathlib import Path

from jupyter_core.paths import jupyter_path
from sphinx.util import logging

logger = logging.getLogger(__name__)

WEB = Path(__file__).parent / "web"
CDN = "https://cdn.jsdelivr.net/npm"
WIDGET_MODULES = ("anywidget", "bqplot", "bqscales")

# npm package -> the folder of _static/vendor that its files go to, and the files
FILES = {
    "requirejs": ("", ["require.js"]),
    "@jupyter-widgets/html-manager": ("", ["dist/embed-amd.js", "dist/*.woff2"]),
    "mathjax": ("mathjax", ["es5/tex-svg-full.js", "es5/a11y", "es5/sre"]),
    "onnxruntime-web": (
        "ort",
        [
            "dist/ort.wasm.bundle.min.mjs",
            "dist/ort-wasm-simd-threaded.mjs",
            "dist/ort-wasm-simd-threaded.wasm",
        ],
    ),
}


def locked_versions(root: Path) -> dict[str, str]:
    """Return the version of each npm package in FILES, as package-lock.json has it."""
    packages = json.loads((root / "package-lock.json").read_text())["packages"]
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
    """Lay the browser's files into ``vendor``; return False where they must come from a CDN."""
    shutil.rmtree(vendor, ignore_errors=True)
    vendor.mkdir(parents=True)
    for module in WIDGET_MODULES:
        found = (Path(folder, module, "index.js") for folder in jupyter_path("nbextensions"))
        shutil.copyfile(next(filter(Path.is_file, found)), vendor / f"{module}.js")
    if not shipped(root):
        return False
    for name, (folder, patterns) in FILES.items():
        (vendor / folder).mkdir(exist_ok=True)
        for pattern in patterns:
            for source in (root / "node_modules" / name).glob(pattern):
                copy = shutil.copytree if source.is_dir() else shutil.copyfile
                copy(source, vendor / folder / source.name)
    write_offline_runtime(vendor / "ort")
    return True


def write_offline_runtime(ort: Path) -> None:
    """Write onnxruntime as one classic script: a page on file:// can neither fetch nor import."""
    module = json.dumps((ort / "ort.wasm.bundle.min.mjs").read_text())
    wasm = base64.b64encode((ort / "ort-wasm-simd-threaded.wasm").read_bytes()).decode()
    text = f'globalThis.dgmOrtOffline = {{mjs: {module}, wasm: "{wasm}"}};\n'
    (ort / "ort-offline.js").write_text(text)


def configure(app, config) -> None:
    """Point the book's pages at the assembled files, or at the CDN."""
    root = Path(app.confdir)
    assets = Path(app.outdir).parent / "assets"
    local = assemble(root, assets / "vendor")
    config.html_static_path += [str(WEB), str(assets)]

    versions = locked_versions(root)

    def url(name, path):
        folder, _ = FILES[name]
        at = f"vendor/{folder}" if local else f"{CDN}/{name}@{versions[name]}/{path}"
        return f"{at.rstrip('/')}/"

    setup = {"defer": "defer", "data-modules": " ".join(WIDGET_MODULES)}
    if not local:
        logger.info("No node_modules: pages will take the browser's libraries from %s", CDN)
        setup["data-ort"] = url("onnxruntime-web", "dist")
    # In this order, and deferred: nothing keeps the reader from the text.
    config.nb_ipywidgets_js = {
        url("requirejs", "") + "require.js": {"defer": "defer"},
        "dgm-setup.js": setup,
        url("@jupyter-widgets/html-manager", "dist") + "embed-amd.js": {"defer": "defer"},
    }
    config.mathjax_path = url("mathjax", "es5") + "tex-svg-full.js"


def drop_duplicate_scripts(app, pagename, templatename, context, doctree) -> None:
    """Keep one of each inline script: Jupyter Book emits some twice, and constants clash."""
    seen = set()
    scripts = []
    for script in context.get("script_files", []):
        body = getattr(script, "attributes", {}).get("body")
        if body is None or body not in seen:
            scripts.append(script)
        seen.add(body)
    context["script_files"] = scripts


def setup(app):
    app.connect("config-inited", configure)
    app.connect("html-page-context", drop_duplicate_scripts, priority=999)
    app.add_css_file("dgm.css", priority=900)  # after the theme's own styles
    return {"parallel_read_safe": True, "parallel_write_safe": True}

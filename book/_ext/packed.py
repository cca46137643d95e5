"""What a page downloads, made small at build time: compressed files, a font of the icons in use.

A browser inflates a file itself (``DecompressionStream``), so that the bytes are few on a host
that compresses nothing, and in a folder on disk. See `dgm_core/live/web/README.md`.
"""

import base64
import gzip
import re
import shutil
import subprocess
from pathlib import Path

import mends
from fontTools import subset

# Icons of the theme that every page shows; any other comes from the theme's whole font.
ICONS = (
    "angle-down", "angle-left", "angle-right", "arrow-up", "bars", "bell", "bolt", "book",
    "circle-check", "circle-half-stroke", "circle-info", "code", "download", "expand", "file",
    "file-pdf", "fire", "lightbulb", "link", "list", "magnifying-glass", "moon", "outdent",
    "pencil", "rocket", "sun", "triangle-exclamation", "xmark",
)  # fmt: skip
FAMILY = "Font Awesome 6 Free"


def pack(data: bytes) -> bytes:
    """Return data as gzip has it, the same in every build."""
    return gzip.compress(data, 9, mtime=0)


def write(path: Path, data: bytes) -> None:
    """Write data packed, beside ``path``: as ``.gz``, and as a script for a page on disk.

    Such a page can read no file, but it can run one: the script leaves a text in ``dgmPacked``.
    """
    data = pack(data)
    path.with_name(f"{path.name}.gz").write_bytes(data)
    text = base64.b64encode(data).decode()
    script = f'(globalThis.dgmPacked ??= {{}})["{path.name}"] = "{text}";\n'
    path.with_name(f"{path.name}.gz.js").write_text(script, encoding="utf8")


def shake(bundle: str, source: str) -> str:
    """Return the widgets' manager without the widgets of ipywidgets 7, which it holds twice.

    What only they ask for goes, too, where Node is there to say what asks for what.

    Args:
        bundle: html-manager's ``embed-amd.js``, as mended.
        source: what it is, for a warning.
    """
    bundle = mends.apply(mends.BALLAST, bundle, source)
    node = shutil.which("node")
    if node is None:
        return bundle
    script = Path(__file__).with_name("shake.mjs")
    run = subprocess.run([node, script], input=bundle, text=True, encoding="utf8",
                         stdout=subprocess.PIPE, check=True)  # fmt: skip
    return run.stdout


def icons(theme: Path, folder: Path) -> None:
    """Write ``dgm-icons.css`` and its font: ICONS alone, a fiftieth of the theme's font.

    Args:
        theme: the theme's folder of static files.
        folder: where both go.
    """
    style = (theme / "styles/pydata-sphinx-theme.css").read_text(encoding="utf8")
    codes = []
    for name in ICONS:
        rule = re.search(rf'\.fa-{name}:before[^{{]*\{{content:"\\([0-9a-f]+)"', style)
        codes.append(int(rule.group(1), 16))
    options = subset.Options(flavor="woff", hinting=False, layout_features=[])
    font = subset.load_font(theme / "vendor/fontawesome/webfonts/fa-solid-900.ttf", options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=codes)
    subsetter.subset(font)
    subset.save_font(font, folder / "dgm-icons.woff", options)
    scope = ", ".join(f"U+{code:x}" for code in sorted(codes))
    (folder / "dgm-icons.css").write_text(
        f'@font-face {{\n  font-family: "{FAMILY}";\n  font-weight: 900;\n  font-display: block;\n'
        f'  src: url("dgm-icons.woff") format("woff");\n  unicode-range: {scope};\n}}\n',
        encoding="utf8",
    )

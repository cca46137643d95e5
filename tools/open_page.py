"""Open a page of the built book in the reader's browser: python tools/open_page.py vae/elbo

Without a screen it only says where the page is.
"""

import os
import sys
import webbrowser
from pathlib import Path

name = sys.argv[1].removeprefix("book/").removesuffix(".ipynb")
page = Path(__file__).resolve().parents[1] / f"_build/html/book/{name}.html"
print(f"{page}\n{page.as_uri()}")
screen = sys.platform in ("darwin", "win32") or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
if screen and "CI" not in os.environ:
    webbrowser.open(page.as_uri())

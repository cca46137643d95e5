"""Sphinx extension: what the book shows to those who come to it from elsewhere.

Two settings of _config.yml say where it is: ``repository.url``, for the buttons that lead to
Binder, Colab and the source, and ``html.baseurl``, the site's own address, for canonical links,
sitemap.xml and social previews. Of a repository on GitHub, the second follows from the first.
Where there is no address, there are no buttons, no canonical links and no sitemap, which could
not be written without one; everything else stays.
"""

import html
import os
import re
from pathlib import Path

from docutils import nodes

# Not sphinxext-opengraph, sphinx-sitemap and sphinx-notfound-page, each of which wants an address.
# Without one, the first writes og:url and a picture that no page below the top finds, and always
# shows TeX as it is typed; the second warns, which -W makes an error, and lists only the pages
# that were written last; the third looks for its styles where another host would have them.
PREVIEW = "_static/preview.png"  # 1200 x 630 pixels, as social networks show them
DESCRIPTION = 200  # characters that a preview has room for


def pages_address(repository: str) -> str:
    """Return where GitHub Pages shows a repository's site; nothing for another host."""
    match = re.fullmatch(r"https://github\.com/([^/]+)/([^/]+?)(?:\.git)?/?", repository)
    if match is None:
        return ""
    owner, name = match[1].lower(), match[2]
    own = name.lower() == f"{owner}.github.io"
    return f"https://{owner}.github.io/" + ("" if own else f"{name}/")


def own_repository() -> str:
    """Return the address of the repository whose workflow runs this, on GitHub; else nothing."""
    name = os.environ.get("GITHUB_REPOSITORY")
    return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}" if name else ""


def locate(app, config) -> None:
    """Where no repository is named, take the one whose workflow runs this."""
    options = config.html_theme_options
    options["repository_url"] = options.get("repository_url") or own_repository()


def configure(app, config) -> None:
    """Find the site's address; without a repository, show no button that leads to one."""
    options = config.html_theme_options
    repository = options.get("repository_url") or ""
    config.html_baseurl = config.html_baseurl or pages_address(repository)
    if config.html_baseurl:
        config.html_baseurl = config.html_baseurl.rstrip("/") + "/"
    if not repository:
        options["launch_buttons"] = {}


def stay_aside(app, doctree) -> None:
    """Let no search find a page to which no other leads."""
    metadata = app.env.metadata[app.env.docname]
    if "orphan" in metadata:
        metadata["nosearch"] = True


def describe(doctree: nodes.document, title: str) -> str:
    """Return the first sentences of a page, as many as a preview shows."""
    text = next((p.astext() for p in doctree.findall(nodes.paragraph)), title)
    text = re.sub(r"\\([A-Za-z]+)|\\.|[{}]", r"\1", text)  # a formula, as a person would type it
    text = " ".join(text.split())
    if len(text) <= DESCRIPTION:
        return text
    return text[: DESCRIPTION - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def introduce(app, pagename, templatename, context, doctree) -> None:
    """Give a page its preview, and a chapter the command that runs it."""
    if doctree is None:
        return
    title = html.unescape(re.sub("<[^>]+>", "", context["title"]))
    text = describe(doctree, title)
    base = app.config.html_baseurl
    picture = base + PREVIEW if base else context["pathto"](PREVIEW, resource=True)
    tags = {
        "og:type": "website" if pagename == app.config.master_doc else "article",
        "og:site_name": app.config.html_title,
        "og:title": title,
        "og:description": text,
        "og:image": picture,
        "og:image:width": "1200",
        "og:image:height": "630",
        "og:image:alt": "A map of handwritten digits, and the digit drawn at one point of it.",
    }
    if base:
        tags["og:url"] = base + app.builder.get_target_uri(pagename)
    lines = [f'<meta property="{k}" content="{html.escape(v)}">' for k, v in tags.items()]
    for name, value in (("description", text), ("twitter:card", "summary_large_image")):
        lines.append(f'<meta name="{name}" content="{html.escape(value)}">')
    context["metatags"] = context.get("metatags", "") + "\n" + "\n".join(lines)
    source = Path(app.env.doc2path(pagename))
    if source.suffix == ".ipynb":
        context["body"] += how_to_run(app, source.relative_to(app.srcdir).as_posix())


def how_to_run(app, path: str) -> str:
    """Return the line under a chapter that says how to run it."""
    command = f"<code>.venv/bin/jupyter lab {html.escape(path)}</code>"
    words = f"Run this page, in a clone of the repository after <code>make book</code>: {command}"
    repository = app.config.html_theme_options.get("repository_url")
    if repository:
        branch = app.config.html_theme_options.get("repository_branch") or "main"
        install = f"%pip install -q git+{repository.rstrip('/')}@{branch}"
        words += f". On Colab, run this first, in a cell of its own: <code>{install}</code>"
    return f'<p class="dgm-run">{words}.</p>\n'


def finish(app, exception) -> None:
    """Write 404.html and, where the address is known, sitemap.xml."""
    if exception is not None or app.builder.format != "html":
        return
    base, out = app.config.html_baseurl, Path(app.outdir)
    pages = sorted(name for name in app.env.found_docs if "orphan" not in app.env.metadata[name])
    uri = app.builder.get_target_uri
    items = [
        f'<li><a href="{base}{uri(name)}">{html.escape(app.env.titles[name].astext())}</a></li>'
        for name in in_order(app.env, app.config.master_doc)
    ]
    text = Path(__file__).with_name("not-found.html").read_text(encoding="utf8")
    text = text.replace("TITLE", html.escape(app.config.html_title)).replace("BASE", base)
    (out / "404.html").write_text(text.replace("PAGES", "\n".join(items)), encoding="utf8")
    sitemap = out / "sitemap.xml"
    sitemap.unlink(missing_ok=True)
    if base:
        places = [f"<url><loc>{html.escape(base + uri(name))}</loc></url>" for name in pages]
        opening = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        lines = ['<?xml version="1.0" encoding="UTF-8"?>', opening, *places, "</urlset>\n"]
        sitemap.write_text("\n".join(lines), encoding="utf8")


def in_order(env, docname: str) -> list[str]:
    """Return the pages as the table of contents has them."""
    names = [docname]
    for child in env.toctree_includes.get(docname, []):
        names += in_order(env, child)
    return names


def setup(app):
    app.connect("config-inited", locate, priority=400)  # before book_assets asks
    app.connect("config-inited", configure, priority=600)  # after book_assets
    app.connect("doctree-read", stay_aside)
    app.connect("html-page-context", introduce, priority=950)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

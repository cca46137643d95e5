"""Sphinx extension: which edition of the book a page belongs to, and the whole book as PDF.

The line under each page names version and date, and leads to how to cite and where to report a
mistake. The PDF is made of the finished pages (tools/make_pdf.py); the title page offers it when
it is there.
"""

import datetime
import html
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlencode

from docutils import nodes

import dgm_core

ABOUT = "book/about"  # the page on citing, mistakes and accessibility
OFFER = re.compile(r'<p class="dgm-pdf"[^>]*>.*?</p>', re.DOTALL)


def date(folder: Path) -> datetime.date:
    """Return the day of the book: ``SOURCE_DATE_EPOCH``, or the last commit's, or today.

    Args:
        folder: of the sources, for their history.
    """
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        return datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc).date()
    command = ["git", "-C", str(folder), "log", "-1", "--format=%cs"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf8")
        return datetime.date.fromisoformat(run.stdout.strip())
    except (OSError, subprocess.CalledProcessError, ValueError):  # no git, no repository
        return datetime.date.today()


def edition(folder: Path) -> str:
    """Return the version and the day of the book in ``folder``, in words."""
    day = date(folder)
    return f"Version {dgm_core.__version__}, {day.day} {day:%B %Y}"


def report_address(repository: str, page: str) -> str:
    """Return where to report a mistake on a page; nothing, where no repository is known.

    Args:
        repository: its address.
        page: the page's title, which the form is filled in with.
    """
    if not re.match(r"https://([^/]+\.)?github\b", repository):  # the form is GitHub's
        return repository
    asked = urlencode({"template": "mistake.yml", "page": page})
    return f"{repository.rstrip('/')}/issues/new?{asked}"


def pdf_name(title: str) -> str:
    """Return the name of the PDF of the book of this title, among its pages."""
    return f"{nodes.make_id(title)}.pdf"


def offer(folder: Path, title: str, page: str) -> str:
    """Return the line of the title page that offers the PDF; hidden while there is none.

    Args:
        folder: of the built pages.
        title: of the book.
        page: the title page's address in that folder.
    """
    pdf = folder / pdf_name(title)
    if not pdf.exists():
        return '<p class="dgm-pdf" hidden></p>'
    address = "../" * page.count("/") + pdf.name
    size = f"{pdf.stat().st_size / 1e6:.0f} MB"
    return f'<p class="dgm-pdf"><a href="{address}">The whole book as PDF</a> ({size})</p>'


def offer_now(folder: Path, title: str, page: str) -> None:
    """Have the title page, built already, offer what PDF there is now; arguments as of `offer`.

    Raises:
        ValueError: the title page has no place for it.
    """
    path = folder / page
    text, count = OFFER.subn(lambda _: offer(folder, title, page), path.read_text("utf8"))
    if not count:
        raise ValueError(f"{path} has no place for the PDF: build the book anew")
    path.write_text(text, encoding="utf8")


def configure(app, config) -> None:
    """Note the edition: with another one, Sphinx writes every page anew."""
    config.book_edition = edition(Path(app.confdir))


def sign(app, pagename, templatename, context, doctree) -> None:
    """Put the edition and its links under a page, and the offer of the PDF on the title page."""
    if doctree is None:
        return
    if pagename == app.config.master_doc:
        page = app.builder.get_target_uri(pagename)
        line = offer(Path(app.outdir), app.config.html_title, page)
        context["body"] = context["body"].replace("</h1>", f"</h1>\n{line}", 1)
    title = html.unescape(re.sub("<[^>]+>", "", context["title"]))
    address = report_address(app.config.html_theme_options.get("repository_url") or "", title)
    links = {}
    if ABOUT in app.env.found_docs:
        about = context["pathto"](ABOUT).rstrip("#")  # on the page itself it is no more than that
        links["How to cite"] = f"{about}#how-to-cite"
        links["Mistakes found"] = f"{about}#mistakes-found-in-this-book"
        links["Accessibility"] = f"{about}#accessibility"
        address = address or f"{about}#report-a-mistake"
    if address:
        links["Report a mistake"] = address
    words = [f'<a href="{html.escape(to)}">{name}</a>' for name, to in links.items()]
    words = " · ".join([app.config.book_edition, *words])
    context["body"] += f'<p class="dgm-edition">{words}</p>\n'


def setup(app):
    app.add_config_value("book_edition", "", "html")
    app.connect("config-inited", configure)
    app.connect("html-page-context", sign, priority=600)  # after the line on how to run it
    return {"parallel_read_safe": True, "parallel_write_safe": True}

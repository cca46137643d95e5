"""Print the built pages as one PDF, with contents, bookmarks, page numbers, version and date.

    python tools/make_pdf.py [folder of the book]

Chromium prints each page, figures as their still pictures. What leads from page to page leads
within the PDF, too. It lies among the pages, and the title page offers it.
"""

import html
import io
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urldefrag

import yaml
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    FloatObject,
    NameObject,
    NullObject,
    TextStringObject,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "book/_ext"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/helpers"))

import book_assets
import browser
import edition
import sharing

ROOT = browser.ROOT
PAPER = {"format": "A4", "print_background": True}
SCALE = 0.8  # a line of 77 characters of code fits
MARGIN = {"top": "18mm", "bottom": "20mm", "left": "18mm", "right": "18mm"}
# Lays a page out for paper: its figures as pictures, each place a destination for links, and
# nothing of what the whole book says once. Returns the title and the headings.
PREPARE = """() => {
  for (const caption of document.querySelectorAll(".dgm-caption")) {
    const hidden = caption.querySelector("noscript");
    if (hidden) {
      const shown = document.createElement("div");
      shown.innerHTML = hidden.textContent;
      hidden.replaceWith(shown);
    }
    for (const part of caption.querySelectorAll(".dgm-still, .dgm-instead")) part.hidden = false;
  }
  if (document.querySelector(".dgm-still"))
    for (const figure of document.querySelectorAll(".dgm-figure")) figure.style.display = "none";
  const article = document.querySelector("article.bd-article");
  for (const extra of document.querySelectorAll(
    "#jb-print-toc, .prev-next-footer, .bd-footer-content, .dgm-pdf, .dgm-edition"))
    extra.remove();
  // Not removed: for want of words, Chromium writes "Details".
  for (const summary of document.querySelectorAll("details.hide > summary"))
    summary.style.display = "none";
  // Chromium notes only those places that a link of the same page leads to.
  const places = document.createElement("div");
  for (const element of article.querySelectorAll("[id]")) {
    const link = document.createElement("a");
    link.href = "#" + encodeURIComponent(element.id);
    places.append(link);
  }
  article.append(places);
  const words = (heading) => {
    const copy = heading.cloneNode(true);
    for (const part of copy.querySelectorAll(".headerlink, mjx-assistive-mml")) part.remove();
    return copy.textContent.trim();
  };
  const headings = [...article.querySelectorAll("section > h2, section > h3")].map((heading) =>
    [Number(heading.tagName[1]), heading.closest("section").id, words(heading)]);
  const title = article.querySelector("h1");
  return { title: title ? words(title) : document.title, headings };
}"""
COVER = """<!doctype html><html lang="en"><meta charset="utf-8"><style>
body {{ font: 10.5pt/1.45 sans-serif; color: #222; }}
h1 {{ font-size: 30pt; margin: 15mm 0 4mm; }} h2 {{ margin: 10mm 0 2mm; font-size: 15pt; }}
p {{ margin: 1mm 0; }} b {{ display: block; margin: 2.5mm 0 0; }}
nav a {{ color: inherit; text-decoration: none; display: flex; gap: 2mm; }}
i {{ flex: 1; border-bottom: 1px dotted #999; margin-bottom: 1.5mm; }}
</style><h1>{title}</h1><p>{author}</p><p>{edition}</p><p>{licence}</p>
<p>The figures of this PDF are pictures; on the pages they move.</p>
<h2>Contents</h2><nav>{contents}</nav></html>"""
NUMBERS = """<!doctype html><html lang="en"><meta charset="utf-8"><style>
@page {{ margin: 0; }} body {{ margin: 0; font: 8pt sans-serif; color: #555; }}
div {{ height: 297mm; position: relative; break-after: page; overflow: hidden; }}
p {{ position: absolute; bottom: 7mm; left: 18mm; right: 18mm; margin: 0; display: flex;
  justify-content: space-between; }}
div:last-child {{ break-after: auto; }}
</style>{pages}</html>"""


class Printed(NamedTuple):
    """A page of the book on paper: its title, headings (level, place, words) and PDF."""

    title: str
    headings: list[tuple[int, str, str]]
    pdf: PdfReader


def contents_of(root: Path) -> list[tuple[str, list[str]]]:
    """Return the book's parts as _toc.yml has them: caption and addresses of the pages."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf8"))
    parts = [("", [toc["root"]])]
    parts.append(("", [chapter["file"] for chapter in toc.get("chapters", [])]))
    for part in toc.get("parts", []):
        parts.append((part["caption"], [chapter["file"] for chapter in part["chapters"]]))
    return [(caption, [f"{file}.html" for file in files]) for caption, files in parts if files]


def print_page(context, address: str) -> Printed:
    """Print the page at an address, settled, with its figures as pictures."""
    page = context.new_page()
    page.goto(address)
    browser.settle(page)
    browser.reveal(page)
    page.emulate_media(media="print", color_scheme="light")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    told = page.evaluate(PREPARE)
    page.evaluate("""() => Promise.all([...document.images].map((image) => {
      image.loading = "eager";
      return image.decode().catch(() => {});
    }))""")
    data = page.pdf(**PAPER, margin=MARGIN, scale=SCALE)
    page.close()
    headings = [tuple(heading) for heading in told["headings"]]
    return Printed(told["title"], headings, PdfReader(io.BytesIO(data)))


def print_text(context, text: str, base: str, margin=MARGIN) -> PdfReader:
    """Print a text of HTML whose links start from the address ``base``."""
    page = context.new_page()
    page.goto(base)
    page.set_content(text)
    data = page.pdf(**PAPER, margin=margin)
    page.close()
    return PdfReader(io.BytesIO(data))


def cover(context, base: str, parts, printed: dict[str, Printed], config: dict, words: str):
    """Return the title page with the contents, numbered as they are once it stands before them."""
    length = 1
    while True:
        at, lines = length + 1, []
        for caption, names in parts:
            lines.append(f"<b>{html.escape(caption)}</b>" if caption else "")
            for name in names:
                title = html.escape(printed[name].title)
                lines.append(f'<a href="{base}/{name}">{title}<i></i>{at}</a>')
                at += len(printed[name].pdf.pages)
        text = COVER.format(
            title=html.escape(config["title"]),
            author=html.escape(config["author"]),
            edition=html.escape(words),
            licence=config.get("html", {}).get("extra_footer", ""),
            contents="\n".join(lines),
        )
        front = print_text(context, text, f"{base}/{parts[0][1][0]}")
        if len(front.pages) == length:
            return front
        length = len(front.pages)


def place(writer: PdfWriter, start: int, destination=None) -> ArrayObject:
    """Return where a link leads to: a destination of a part that starts at a page, or its top."""
    number, left, top = start, NullObject(), NullObject()
    if destination is not None:
        number += destination[0]
        left, top = (FloatObject(value) for value in destination[1:])
    page = writer.pages[number].indirect_reference
    return ArrayObject([page, NameObject("/XYZ"), left, top, NullObject()])


def destinations(pdf: PdfReader) -> dict[str, tuple[int, float, float]]:
    """Return the named places of a PDF: page, and points from its left and bottom."""
    found = {}
    for name, where in pdf.named_destinations.items():
        number = pdf.get_destination_page_number(where)
        if number is not None:
            name = unquote(name.removeprefix("/"))
            found[name] = (number, float(where.left or 0), float(where.top or 842))
    return found


def join(front: PdfReader, printed: dict[str, Printed], base: str, site: str = "") -> PdfWriter:
    """Return one PDF of the front and the pages, with bookmarks and with links that lead within.

    Args:
        front: the title page.
        printed: the pages by their addresses, in their order.
        base: address from which they were printed.
        site: where the book is published; links to files that are not printed lead there, or
            nowhere.
    """
    writer, starts, places = PdfWriter(), {}, {}
    writer.append(front, import_outline=False)
    writer.add_outline_item("Contents", 0)
    for name, page in printed.items():
        starts[name], places[name] = len(writer.pages), destinations(page.pdf)
        writer.append(page.pdf, import_outline=False)
    ends = [*list(starts.values())[1:], len(writer.pages)]
    for (name, start), end in zip(starts.items(), ends, strict=True):
        above = {1: writer.add_outline_item(printed[name].title, start)}
        for level, anchor, words in printed[name].headings:
            number = start + places[name].get(anchor, (0,))[0]
            parent = above.get(level - 1, above[1])
            above[level] = writer.add_outline_item(words, number, parent=parent)
        for number in range(start, end):
            lead_within(writer, number, name, starts, places, base, site)
    for number in range(starts[next(iter(starts))]):
        lead_within(writer, number, "", starts, places, base, site)
    return writer


def lead_within(writer, number: int, own: str, starts, places, base: str, site: str) -> None:
    """Have the links of one page lead to places of this PDF, as far as they are in it."""
    page, kept = writer.pages[number], ArrayObject()
    for reference in page.get("/Annots", ArrayObject()):
        link = reference.get_object()
        action = link.get("/A", {})
        name, anchor = own, link.get("/Dest")
        if "/URI" in action:
            address, anchor = urldefrag(str(action["/URI"]))
            if not address.startswith(f"{base}/"):
                kept.append(reference)  # to the world outside
                continue
            name = address.removeprefix(f"{base}/")
        if name in starts:
            anchor = unquote(str(anchor or "").removeprefix("/"))
            link.pop("/A", None)
            where = places[name].get(anchor)
            link[NameObject("/Dest")] = place(writer, starts[name], where)
            kept.append(reference)
        elif site:
            action[NameObject("/URI")] = type(action["/URI"])(f"{site}{name}")
            kept.append(reference)
    page[NameObject("/Annots")] = kept


def number_pages(context, writer: PdfWriter, base: str, words: str) -> None:
    """Write title, edition and number at the foot of each page but the first."""
    count = len(writer.pages)
    feet = [f"<p><span>{words}</span><span>{n}</span></p>" if n > 1 else "" for n in
            range(1, count + 1)]  # fmt: skip
    text = NUMBERS.format(pages="".join(f"<div>{foot}</div>" for foot in feet))
    overlay = print_text(context, text, base, margin=None)
    if len(overlay.pages) != count:
        raise ValueError(f"{len(overlay.pages)} feet for {count} pages: the paper's size differs")
    for page, foot in zip(writer.pages, overlay.pages, strict=True):
        page.merge_page(foot)
        page.compress_content_streams()  # which a merge leaves open


def make_pdf(root: Path) -> Path:
    """Print the book that was built in ``root``; return the path of the PDF.

    Raises:
        FileNotFoundError: a page of the book has not been built, or needs a network, or there is
            no Chromium.
    """
    from playwright.sync_api import sync_playwright

    folder = root / "_build/html"
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf8"))
    parts = contents_of(root)
    names = [name for _, files in parts for name in files]
    missing = [name for name in names if not (folder / name).exists()]
    if missing:
        raise FileNotFoundError(f"not built: {', '.join(missing)}. Run make book first")
    texts = ((folder / name).read_text(encoding="utf8") for name in names)
    if any(f'src="{book_assets.CDN}' in text for text in texts):  # the browser has no network
        raise FileNotFoundError(
            "the pages take their libraries from a CDN: run npm ci, then make book"
        )
    words = edition.edition(root)
    with sync_playwright() as playwright, browser.serve(folder) as base:
        path = browser.find_chromium(playwright)
        if path is None:
            raise FileNotFoundError(
                "no Chromium: install Debian's chromium, or run playwright install chromium"
            )
        chromium = browser.launch(playwright, path)
        context = browser.open_context(chromium, color_scheme="light")
        printed = {}
        for name in names:
            printed[name] = print_page(context, f"{base}/{name}")
            print(f"  {len(printed[name].pdf.pages):3} pages  {name}", flush=True)
        front = cover(context, base, parts, printed, config, words)
        writer = join(front, printed, base, published(config))
        number_pages(context, writer, f"{base}/{names[0]}", f"{config['title']}. {words}")
        chromium.close()
    writer.compress_identical_objects()
    writer.add_metadata(
        {"/Title": config["title"], "/Author": config["author"], "/Subject": words}
    )
    writer.root_object[NameObject("/Lang")] = TextStringObject("en")
    target = folder / edition.pdf_name(config["title"])
    writing = target.with_suffix(".tmp")
    writer.write(writing)
    writing.replace(target)  # a reader who has the old one open keeps it
    edition.offer_now(folder, config["title"], names[0])
    return target


def published(config: dict) -> str:
    """Return the site's address with a final slash, as far as the settings say it."""
    base = config["html"].get("baseurl") or sharing.pages_address(
        config["repository"].get("url") or ""
    )
    return f"{base.rstrip('/')}/" if base else ""


if __name__ == "__main__":
    try:
        made = make_pdf(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    except FileNotFoundError as error:
        sys.exit(str(error))
    print(f"{made}: {made.stat().st_size / 1e6:.1f} MB")

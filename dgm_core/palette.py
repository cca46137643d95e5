"""The book's colours: each means one thing, on paper-white pages and on dark ones."""

# Contrast to the page is at least 4.5 (white) and 4.7 (#121212), and the roles stay apart for
# readers who see two of the three primary colours.
LIGHT = {
    "data": "#5d646c",  # grey
    "model": "#306ce2",  # blue
    "posterior": "#be5a0a",  # orange
    "truth": "#0a5628",  # green
    "critic": "#5b1780",  # purple
}
DARK = {
    "data": "#8b949e",
    "model": "#6cb2ff",
    "posterior": "#f58b2a",
    "truth": "#8fe3b4",
    "critic": "#ba47f3",
}
# What charts are drawn on, in light and dark: lines that must be seen (3:1), and those behind.
_RULES = {"rule": ("#88929e", "#6b7785"), "grid": ("#e7eaee", "#2a3038")}


def css() -> str:
    """Return the two palettes as a style sheet: ``var(--dgm-model)`` and so on."""

    def block(selector: str, colors: dict[str, str], which: int) -> str:
        both = colors | {name: pair[which] for name, pair in _RULES.items()}
        lines = "".join(f"  --dgm-{name}: {color};\n" for name, color in both.items())
        return f"{selector} {{\n{lines}}}\n"

    dark = 'html[data-theme="dark"], body[data-jp-theme-light="false"]'  # the book; JupyterLab
    light = block(":root", LIGHT, 0)
    return light + block(dark, DARK, 1) + f"@media print {{\n{block(dark, LIGHT, 0)}}}\n"

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
    "critic": "#bc4cf4",
}
# Classes of digits, 0 to 9: always with the digit written in place. 3:1 to the page, and apart for
# readers who see two of the three primary colours.
DIGITS = (
    "#925a25", "#284700", "#7c44c3", "#4c0927", "#da51a0",
    "#025884", "#2c0070", "#058dfa", "#82972f", "#92194f",
)  # fmt: skip
DIGITS_DARK = (
    "#f275a0", "#bab4fb", "#3b7472", "#e6b374", "#94911b",
    "#b23b19", "#d5f64e", "#8d3cb6", "#4f84fe", "#8ffaf6",
)  # fmt: skip
# What charts are drawn on, in light and dark: lines that must be seen (3:1), and those behind.
_RULES = {"rule": ("#88929e", "#6b7785"), "grid": ("#e7eaee", "#2a3038")}


def css() -> str:
    """Return the two palettes as a style sheet: ``var(--dgm-model)``, ``var(--dgm-digit3)`` ..."""

    def block(selector: str, colors: dict[str, str], which: int) -> str:
        both = colors | {name: pair[which] for name, pair in _RULES.items()}
        both |= {f"digit{k}": color for k, color in enumerate((DIGITS, DIGITS_DARK)[which])}
        lines = "".join(f"  --dgm-{name}: {color};\n" for name, color in both.items())
        return f"{selector} {{\n{lines}}}\n"

    dark = 'html[data-theme="dark"], body[data-jp-theme-light="false"]'  # the book; JupyterLab
    light = block(":root", LIGHT, 0)
    return light + block(dark, DARK, 1) + f"@media print {{\n{block(dark, LIGHT, 0)}}}\n"

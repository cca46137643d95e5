"""What is checked on a page in whatever browser: each check returns what is wrong, in words."""

from engines import until

GRAPHS = "[...document.querySelectorAll('[data-dgm-state]')]"
FIGURES = "[...document.querySelectorAll('.dgm-figure')]"
HANDLE = ".noUi-handle"


# Captions are in the page's text, whether or not a script has drawn the figures.
COUNT = "document.querySelectorAll('.dgm-caption').length"


DECIDED = f"""{FIGURES}.length >= {COUNT} && {FIGURES}.every((figure) => {{
  const graphs = [...figure.querySelectorAll("[data-dgm-state]")];
  return graphs.length && graphs.every(
    ({{ dataset }}) => dataset.dgmState === "error" ||
      (dataset.dgmState === "ready" && dataset.dgmParity));
}})"""
UNSET = """[...document.querySelectorAll(".math")]
  .filter((formula) => !formula.querySelector("mjx-container"))
  .map((formula) => formula.outerHTML.slice(0, 99))"""
MISFORMED = """[
    [2, "mfrac, mroot, msub, msup, munder, mover"],
    [3, "msubsup, munderover"],
  ].flatMap(([count, tags]) => [...document.querySelectorAll(tags)]
    .filter(({ children }) => children.length !== count)
    .map((formula) => formula.outerHTML.slice(0, 99)))"""
UNREADY = f"""{GRAPHS}.filter(({{ dataset }}) => dataset.dgmState !== "ready")
  .map((graph) => `${{graph.dataset.dgmState}}: ${{graph.innerText}}`)"""
WRONG = f"""{GRAPHS}.filter(({{ dataset }}) =>
    !(Number(dataset.dgmParity ?? NaN) <= 1e-4) || dataset.dgmOutput.includes("null"))
  .map(({{ dataset }}) => `parity ${{dataset.dgmParity}}, output ${{dataset.dgmOutput}}`)"""


def outputs(browser) -> list[str]:
    return browser.evaluate(f"{GRAPHS}.map(({{ dataset }}) => dataset.dgmOutput)")


def slider(browser) -> dict:
    """What the slider that has the focus says of itself; empty where something else has it."""
    return browser.evaluate(
        f"""((handle) => handle.matches("{HANDLE}") ? {{
          words: handle.closest(".widget-slider").querySelector(".widget-label").innerText,
          place: handle.closest(".noUi-origin").style.transform, // aria-valuenow is rounded
          isLast: handle.getAttribute("aria-valuenow") === handle.getAttribute("aria-valuemax"),
        }} : {{}})(document.activeElement)"""
    )


def moves(browser) -> list[str]:
    """Press an arrow key on the slider that has the focus; what then does not follow."""
    before, were = slider(browser), outputs(browser)
    if not before:
        return ["a slider does not take the focus"]
    browser.press("ArrowLeft" if before["isLast"] else "ArrowRight")
    findings = []
    if not until(lambda: slider(browser).get("place") != before["place"]):
        findings.append(f"the slider {before['words']!r} stays where it is")
    if not until(lambda: outputs(browser) != were):
        findings.append(f"no graph follows the slider {before['words']!r}")
    return findings


def figures_are_ready(browser):
    until(lambda: browser.evaluate(DECIDED))
    captions, drawn = browser.evaluate(f"[{COUNT}, {FIGURES}.length]")
    counted = [] if drawn >= captions else [f"{drawn} of {captions} figures appeared"]
    return counted + browser.evaluate(UNREADY)


def numbers_agree_with_pytorch(browser):
    return browser.evaluate(WRONG)


def formulas_are_set(browser):
    until(lambda: not browser.evaluate(f"{UNSET}.length"))
    return browser.evaluate(UNSET) + browser.evaluate(MISFORMED)


def tab_finds_the_first_slider(browser):
    """From the heading above it, with no mouse; it says its label, and moves."""
    found = browser.evaluate(
        f"""(() => {{
          const handle = document.querySelector(".dgm-figure {HANDLE}");
          const heading = handle?.closest("section").querySelector("h1, h2, h3");
          heading?.setAttribute("tabindex", "-1");
          heading?.focus();
          return Boolean(handle);
        }})()"""
    )
    if not found:
        return []
    first = f'document.activeElement === document.querySelector(".dgm-figure {HANDLE}")'
    for _ in range(100):
        browser.press("Tab")
        if browser.evaluate(first):
            break
    else:
        return ["Tab does not come to the first slider"]
    words = slider(browser)["words"].strip()
    unsaid = [] if words and browser.announces("slider", words) else [f"{words!r} is not said"]
    return unsaid + moves(browser)


def sliders_answer_to_keys(browser):
    """The first slider of each figure."""
    findings = []
    for i in range(browser.evaluate(f"{FIGURES}.length")):
        if browser.evaluate(
            f"""((handle) => {{
              handle?.scrollIntoView({{ block: "center" }});
              handle?.focus();
              return Boolean(handle);
            }})({FIGURES}[{i}].querySelector("{HANDLE}"))"""
        ):
            findings += moves(browser)
    return findings


def a_figure_fills_the_screen_and_comes_back(browser):
    """The first figure with a slider, by the key f; then as wide or as high as the window."""
    if not browser.evaluate(
        f"""((handle) => {{
          handle?.scrollIntoView({{ block: "center" }});
          handle?.focus();
          return Boolean(handle);
        }})(document.querySelector(".dgm-figure {HANDLE}"))"""
    ):
        return []
    full = "document.querySelectorAll('.dgm-full').length"
    browser.press("f")
    if not until(lambda: browser.evaluate(f"{full} === 1")):
        return ["f does not make the figure fill the screen"]
    fits = """((box) => Math.min(Math.abs(innerWidth - 32 - box.width),
      Math.abs(innerHeight - 32 - box.height), Math.max(0, 736 * 2.5 - box.width)) < 40)(
      document.querySelector(".dgm-full > .dgm-figure").getBoundingClientRect())"""
    findings = [] if until(lambda: browser.evaluate(fits)) else ["the figure does not grow"]
    browser.press("f")
    if not until(lambda: browser.evaluate(f"{full} === 0 && !document.fullscreenElement")):
        findings.append("the figure stays where it is")
    return findings


def nothing_goes_wrong(browser):
    """No error in a script, no failed request, none that leads outside."""
    return browser.problems()


CHECKS = [  # in the order of a visit; what went wrong until then is asked last
    figures_are_ready,
    numbers_agree_with_pytorch,
    formulas_are_set,
    tab_finds_the_first_slider,
    sliders_answer_to_keys,
    a_figure_fills_the_screen_and_comes_back,
    nothing_goes_wrong,
]

// Runs on every page, deferred, before MathJax: sets the first screen's formulas at once, and the
// others when the live figures have been drawn, a few at a time. No formula needs another: Sphinx
// numbers the equations, and the macros are MathJax's settings.
(() => {
  "use strict";
  const settings = globalThis.MathJax;
  if (!settings) return; // a page without mathematics
  const WAIT = 8000; // milliseconds for the figures to start; then the formulas come first
  const SLICE = 16; // formulas set between two looks at what the reader does
  /** @type {string[]} */
  const CLASSES = settings.options.processHtmlClass.split("|");
  const SELECTOR = CLASSES.map((name) => `.${name}`).join();
  /** @type {Set<Element>} */
  const waiting = new Set(); // elements that still show TeX
  /** @param {number} ms */
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  // ---- The reader: who does something wants the formulas now, and is not scrolled for --
  const [arrival] = performance.getEntriesByType("navigation");
  // Who does not come by a link is brought back to the old place by the browser itself.
  let busy = !(arrival && "type" in arrival && arrival.type === "navigate");
  let acting = false;
  for (const kind of ["keydown", "pointerdown", "touchmove", "wheel"])
    addEventListener(kind, () => (acting = busy = true), { capture: true, passive: true });
  addEventListener("hashchange", () => (busy = false));

  // The element that the address names: formulas set above it must not move it off the screen.
  const target = () => (busy ? null : document.getElementById(location.hash.slice(1)));
  const stay = () => target()?.scrollIntoView();

  // ---- What comes when -------------------------------------------------------------------------
  // Pixels from the screen that the reader sees, or will see; 0 on it.
  /** @returns {[pixels: number, element: Element][]} */
  function distances() {
    const origin = target()?.getBoundingClientRect().top ?? 0;
    /** @type {[number, Element][]} */
    const measured = [...waiting].map((element) => {
      const { top, bottom } = element.getBoundingClientRect();
      if (top === bottom) return [Infinity, element]; // hidden
      return [Math.max(0, top - origin - innerHeight, origin - bottom), element];
    });
    return measured.sort(([a], [b]) => (a === b ? 0 : a - b));
  }

  /** @param {Element[]} elements */
  async function set(elements) {
    for (const element of elements) waiting.delete(element);
    await MathJax.typesetPromise(elements);
    stay();
  }

  function figuresDrawn() {
    /** @type {NodeListOf<HTMLElement>} */
    const graphs = document.querySelectorAll("[data-dgm-state]");
    const state = document.querySelector('script[type*="widget-state"]');
    if (!graphs.length) return !/"_onnx(_file)?"/.test(state?.textContent ?? "");
    return [...graphs].every((graph) => graph.dataset.dgmState !== "loading");
  }

  async function setAll() {
    const screen = distances().filter(([distance]) => distance === 0);
    await set(screen.map(([, element]) => element));
    const late = performance.now() + WAIT;
    while (!acting && !figuresDrawn() && performance.now() < late) await sleep(50);
    while (waiting.size) {
      await idle();
      await set(
        distances()
          .slice(0, SLICE)
          .map(([, element]) => element),
      );
    }
    stay(); // a figure's drawing may be of another height than its picture
  }

  const idle = () =>
    new Promise((resolve) => {
      if ("requestIdleCallback" in globalThis) requestIdleCallback(resolve, { timeout: 100 });
      else setTimeout(resolve); // Safari
    });

  addEventListener("load", stay);
  addEventListener("beforeprint", () => {
    const elements = [...waiting];
    waiting.clear();
    if (elements.length) globalThis.MathJax.typeset?.(elements);
  });

  for (const element of document.querySelectorAll(SELECTOR))
    if (!element.parentElement?.closest(SELECTOR)) waiting.add(element);
  settings.startup = { ...settings.startup, pageReady: setAll };
})();

// A figure that fills the screen, for a lecture hall: by a button, or by the key f.

import { make } from "./common.js";

const [WIDTH, MARGIN, MOST] = [736, 16, 2.5];
const ICON = `<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
  <path d="M1 6V1h5M10 1h5v5M15 10v5h-5M6 15H1v-5" fill="none" stroke="currentColor"
    stroke-width="2"/></svg>`;

/** @param {number} across of the screen */
export const widthOf = (across) => Math.min(WIDTH, across - 2 * MARGIN);

/**
 * How many times as large as on the page a figure is drawn, so that all of it is on the screen; what
 * does not fit as it is can be scrolled.
 *
 * @param {[across: number, down: number]} screen
 * @param {number} height of the figure, laid out as wide as `widthOf` says
 */
export function scaleOf([across, down], height) {
  const most = Math.min((across - 2 * MARGIN) / widthOf(across), MOST);
  return Math.max(1, Math.min(most, (down - 2 * MARGIN) / Math.max(1, height)));
}

/** @param {KeyboardEvent} event */
export function isAsked({ key, ctrlKey, metaKey, altKey, target }) {
  if (key.toLowerCase() !== "f" || ctrlKey || metaKey || altKey) return false;
  const {
    nodeName = "",
    type = "",
    isContentEditable = false,
  } = /** @type {any} */ (target ?? {});
  if (isContentEditable || nodeName === "TEXTAREA" || nodeName === "SELECT") return false;
  return nodeName !== "INPUT" || ["radio", "checkbox", "range", "button"].includes(type);
}

/**
 * Gives the figure around an element its button, once.
 *
 * @param {HTMLElement} element
 */
export function offerFullScreen(element) {
  /** @type {HTMLElement | null} */
  const figure = element.closest(".dgm-figure");
  if (!figure?.parentElement || figure.querySelector(".dgm-full-button")) return;
  const screen = figure.parentElement; // what is shown alone; the figure grows in it
  const button = make("button", { type: "button", className: "dgm-full-button" });
  button.innerHTML = ICON;
  figure.append(button);
  figure.classList.add("dgm-can-fill");
  let isFull = false;

  const fit = () => {
    if (!isFull) return;
    const { innerWidth, innerHeight } = globalThis;
    figure.style.setProperty("--dgm-width", `${widthOf(innerWidth)}px`);
    const scale = scaleOf([innerWidth, innerHeight], figure.offsetHeight);
    const rest = (innerHeight - scale * figure.offsetHeight) / 2;
    figure.style.setProperty("--dgm-scale", scale.toFixed(4));
    figure.style.setProperty("--dgm-top", `${Math.max(MARGIN, rest)}px`);
  };
  const sizes = new ResizeObserver(() => requestAnimationFrame(fit));
  /** @param {FocusEvent} event */
  const hold = (event) => {
    if (event.target instanceof Node && !screen.contains(event.target)) button.focus();
  };
  /** @param {KeyboardEvent} event */
  const leave = (event) => {
    if (event.key === "Escape") show(false);
  };
  const left = () => {
    if (document.fullscreenElement !== screen) show(false);
  };
  /** @param {boolean} full */
  const show = (full) => {
    if (full === isFull) return;
    isFull = full;
    const words = full ? "Leave full screen" : "Full screen";
    button.setAttribute("aria-label", words);
    button.title = `${words} (f)`;
    screen.classList.toggle("dgm-full", full);
    const change = full ? "addEventListener" : "removeEventListener";
    globalThis[change]("resize", fit);
    document[change]("fullscreenchange", left);
    document[change]("keydown", /** @type {EventListener} */ (leave));
    document[change]("focusin", /** @type {EventListener} */ (hold));
    if (full) {
      sizes.observe(figure);
      fit();
      // Where the host refuses, the figure fills the window all the same.
      screen.requestFullscreen?.().then(fit, () => {});
    } else {
      sizes.disconnect();
      for (const name of ["--dgm-width", "--dgm-scale", "--dgm-top"])
        figure.style.removeProperty(name);
      if (document.fullscreenElement === screen) document.exitFullscreen();
    }
  };
  isFull = true;
  show(false);
  button.addEventListener("click", () => show(!isFull));
  figure.addEventListener("keydown", (event) => {
    if (!isAsked(event)) return;
    event.preventDefault();
    event.stopPropagation();
    show(!isFull);
  });
}

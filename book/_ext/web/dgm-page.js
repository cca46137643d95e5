// Runs on every page, deferred: mends what the theme leaves.
(() => {
  "use strict";
  // A control's name must hold the words that it shows: "Ctrl+K" on the search button, and none
  // that the icons bring to the switch between light and dark.
  for (const button of document.querySelectorAll(".search-button__button")) {
    button.setAttribute("aria-label", button.textContent.replace(/\s+/g, " ").trim());
  }
  for (const button of document.querySelectorAll(".theme-switch-button")) {
    const hush = () => {
      for (const icon of button.querySelectorAll("i, svg")) {
        for (const name of ["title", "role", "aria-labelledby"]) icon.removeAttribute(name);
        icon.setAttribute("aria-hidden", "true");
        icon.querySelector("title")?.remove();
      }
    };
    hush();
    new MutationObserver(hush).observe(button, { childList: true, subtree: true });
  }
  // Search shows a passage of each page that it finds, but over file:// it cannot fetch one.
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  // A link may lead to what is folded, such as a box in a solution: open all that it stands in.
  const unfold = () => {
    const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    let shut = false;
    for (let up = place; up; up = up.parentElement) {
      if (!up.classList.contains("toggle-hidden")) continue;
      /** @type {HTMLElement | null} */
      const button = up.querySelector(":scope > .admonition-title .toggle-button");
      button?.click();
      shut = true;
    }
    if (shut) place?.scrollIntoView();
  };
  addEventListener("load", unfold); // by then sphinx-togglebutton has folded what it folds
  addEventListener("hashchange", unfold);
  // On paper everything is open and dark on light; afterwards the page is as it was.
  const root = document.documentElement;
  /** @type {{ theme: string | undefined, shut: HTMLDetailsElement[] } | undefined} */
  let before;
  addEventListener("beforeprint", () => {
    if (before) return;
    /** @type {NodeListOf<HTMLDetailsElement>} */
    const closed = document.querySelectorAll("details:not([open])");
    const shut = [...closed];
    before = { theme: root.dataset.theme, shut };
    root.dataset.theme = "light";
    for (const details of shut) details.open = true;
  });
  addEventListener("afterprint", () => {
    if (!before) return;
    root.dataset.theme = before.theme;
    for (const details of before.shut) details.open = false;
    before = undefined;
    dispatchEvent(new Event("resize")); // the theme looks anew for what scrolls, for its tab stops
  });
})();

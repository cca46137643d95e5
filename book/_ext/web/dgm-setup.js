// Runs on pages with widgets, after require.js and before the widgets' HTML manager.
(() => {
  "use strict";
  const script = document.currentScript;
  const vendor = new URL("vendor/", script.src).href;

  // What dgm_core's live figures read: where the page's own files lie, and onnxruntime.
  globalThis.dgmBook = { vendor, ort: script.dataset.ort ?? new URL("ort/", vendor).href };

  // The widgets' modules lie beside the page; the HTML manager asks a CDN only for others.
  const paths = {};
  for (const name of script.dataset.modules.split(" ")) paths[name] = vendor + name;
  require.config({ paths });

  // ipywidgets typesets its labels with MathJax 2's queue; MathJax 3 has a promise instead.
  const hub = { Queue: ([, , element]) => mathjax?.typesetPromise?.([element]) };
  let mathjax;
  const adopt = (value) => {
    mathjax = value;
    if (mathjax) mathjax.Hub = hub;
  };
  adopt(globalThis.MathJax);
  Object.defineProperty(globalThis, "MathJax", {
    configurable: true,
    enumerable: true,
    get: () => mathjax,
    set: adopt,
  });
  if (!script.dataset.ort) globalThis.__jupyter_widgets_assets_path__ = vendor;

  // ipywidgets gives its sliders a label to see, but no name that a screen reader finds.
  const name = (element, text, role) => {
    if (element.getAttribute("aria-label") !== text) element.setAttribute("aria-label", text);
    if (role) element.setAttribute("role", role);
  };
  const nameControls = () => {
    for (const slider of document.querySelectorAll(".widget-slider")) {
      const label = slider.querySelector(".widget-label")?.textContent.trim() || "value";
      const handles = slider.querySelectorAll("[role=slider]");
      const ends = handles.length > 1 ? ["from", "to"] : [""];
      handles.forEach((handle, i) => name(handle, `${label} ${ends[i]}`.trim()));
      const readout = slider.querySelector(".widget-readout");
      if (readout) name(readout, `${label}, as a number`, "textbox");
    }
    for (const bar of document.querySelectorAll(".widget-hprogress [role=progressbar]")) {
      name(bar, bar.closest(".widget-hprogress").querySelector(".widget-label").textContent);
    }
  };
  let due = false;
  new MutationObserver(() => {
    if (due) return;
    due = true;
    setTimeout(() => {
      due = false;
      nameControls();
    }, 50);
  }).observe(document.documentElement, { childList: true, subtree: true });
})();

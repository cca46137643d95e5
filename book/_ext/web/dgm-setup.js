// Runs on pages with widgets, after require.js and before the widgets' HTML manager.
(() => {
  "use strict";
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const vendor = new URL("vendor/", script.src).href;
  const { ort, widgets, modules = "" } = script.dataset; // ort and widgets: where a CDN has them

  // What dgm_core's live figures read: where the page's own files lie, and onnxruntime.
  globalThis.dgmBook = { vendor, ort: ort ?? `${vendor}ort/` };

  // A widget's script stands once on the page, however many widgets it draws (live_files.py).
  /** @type {Record<string, Promise<unknown>>} */
  const scripts = {};
  /** @param {string} text */
  const importText = async (text) => {
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    try {
      return (await import(url)).default;
    } finally {
      URL.revokeObjectURL(url);
    }
  };
  globalThis.dgmScript = (name) =>
    (scripts[name] ??= importText(
      document.getElementById(`dgm-script-${name}`)?.textContent ?? "",
    ));

  // onnxruntime is compiled while the widgets' scripts are read: a graph of one node, y = x, asks
  // for it. Where it cannot come, the figures try again and say why; over file:// they have another
  // way to it (dgm_core/live/web/graph.js).
  const IDENTITY =
    "CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEBE=";
  /** @param {string} folder */
  const startRuntime = async (folder) => {
    /** @param {string} name */
    const load = async (name) => {
      const response = await fetch(folder + name);
      if (!response.ok) throw new Error(`${name}: status ${response.status}`);
      return response;
    };
    // Fetched, not imported: the types that a host gives to .mjs and .wasm then do not matter.
    const [module, wasm] = await Promise.all([
      load("ort.wasm.bundle.min.mjs").then((file) => file.text()),
      load("ort-wasm-simd-threaded.wasm").then((file) => file.arrayBuffer()),
    ]);
    const url = URL.createObjectURL(new Blob([module], { type: "text/javascript" }));
    const runtime = await import(url);
    URL.revokeObjectURL(url);
    Object.assign(runtime.env.wasm, { wasmBinary: wasm, numThreads: 1 });
    runtime.env.logLevel = "error";
    const graph = Uint8Array.from(atob(IDENTITY), (character) => character.charCodeAt(0));
    await (await runtime.InferenceSession.create(graph)).release();
    runtime.env.wasm.wasmBinary = undefined; // it is compiled: megabytes that nobody needs any more
    return runtime;
  };
  const state = document.querySelector('script[type*="widget-state"]');
  if (location.protocol !== "file:" && /"_onnx(_file)?"/.test(state?.textContent ?? "")) {
    globalThis.dgmOrt = startRuntime(globalThis.dgmBook.ort);
    globalThis.dgmOrt.catch(() => (globalThis.dgmOrt = undefined));
  }

  // The widgets' modules lie in the book; the HTML manager asks a CDN only for others. Its own
  // come all in one file, but each looks for fonts in the folder that its name stands for.
  const dist = (widgets ?? `${vendor}widgets/`).replace(/\/$/, "");
  /** @type {Record<string, string>} */
  const paths = { "@jupyter-widgets": dist, "@jupyter-widgets/html-manager/dist": dist };
  for (const name of modules.split(" ")) paths[name] = vendor + name;
  require.config({ paths });

  // ipywidgets typesets its labels with MathJax 2's queue; MathJax 3 has promises instead, and
  // may arrive later.
  /** @type {any} */
  let mathjax;
  const hub = {
    /** @param {[unknown, unknown, HTMLElement]} call */
    async Queue([, , element]) {
      if (!/\$|\\\(/.test(element.textContent)) return;
      element.classList.add("mathjax_process");
      await mathjax?.startup?.promise;
      await mathjax?.typesetPromise?.([element]);
    },
  };
  /** @param {any} value */
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

  // ipywidgets gives its sliders a label to see, but no name that a screen reader finds; its
  // player has no words at all.
  /** @type {Record<string, string>} */
  const PLAYER = { play: "play", pause: "pause", stop: "stop", retweet: "repeat" };
  /** @param {Element} element @param {string} text */
  const name = (element, text) => {
    if (element.getAttribute("aria-label") !== text) element.setAttribute("aria-label", text);
  };
  const CONTROLS = ".widget-slider, .widget-hprogress, .widget-play";
  /** @param {Element} widget */
  const nameControl = (widget) => {
    const label = widget.querySelector(".widget-label")?.textContent.trim() || "value";
    const handles = widget.querySelectorAll("[role=slider]");
    const ends = handles.length > 1 ? [", from", ", to"] : [""];
    for (const [i, handle] of handles.entries()) name(handle, label + ends[i]);
    // A logarithmic slider's own value is an exponent: the readout has the number.
    const shown = widget.querySelector(".widget-readout")?.textContent;
    if (handles.length === 1 && shown && handles[0].getAttribute("aria-valuetext") !== shown)
      handles[0].setAttribute("aria-valuetext", shown);
    for (const readout of widget.querySelectorAll(".widget-readout")) {
      readout.setAttribute("role", "textbox");
      name(readout, `${label}, as text`);
    }
    for (const bar of widget.querySelectorAll(".progress")) {
      bar.setAttribute("role", "img");
      name(bar, label);
    }
    for (const button of widget.matches(".widget-play") ? widget.querySelectorAll("button") : []) {
      const icon = button.firstElementChild;
      const key = Object.keys(PLAYER).find((key) => icon?.classList.contains(`fa-${key}`));
      if (key) name(button, PLAYER[key]);
    }
  };
  // A moved slider changes much of its chart: only controls that changed are looked at.
  /** @type {Set<Element>} */
  const changed = new Set();
  new MutationObserver((records) => {
    const before = changed.size;
    for (const { target, addedNodes } of records) {
      if (!(target instanceof HTMLElement)) continue; // a chart's SVG holds no controls
      const inside = target.closest(CONTROLS);
      if (inside) changed.add(inside);
      for (const node of addedNodes) {
        if (!(node instanceof HTMLElement)) continue;
        if (node.matches(CONTROLS)) changed.add(node);
        for (const control of node.querySelectorAll(CONTROLS)) changed.add(control);
      }
    }
    if (before || !changed.size) return;
    setTimeout(() => {
      const controls = [...changed];
      changed.clear(); // first: an error in one must not stop later ones
      controls.forEach(nameControl);
    }, 50);
  }).observe(document.documentElement, { childList: true, subtree: true });
})();

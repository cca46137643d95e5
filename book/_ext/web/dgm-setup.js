// Runs on pages with widgets, as early as it comes: fetches what draws them, while the page is read.
// (Where a CDN has the libraries it runs after require.js and before the widgets' HTML manager.)
(() => {
  "use strict";
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const root = new URL(".", script.src).href; // the folder _static
  const vendor = `${root}vendor/`;
  const {
    ort,
    widgets,
    modules = "",
    version = "",
    live,
    models = "",
    formulasAreSet,
  } = script.dataset;
  const onDisk = location.protocol === "file:";

  // ---- Files of the book, packed by gzip (book/_ext/packed.py) ------------------------------------
  /** @param {string} src */
  const runScript = (src) =>
    new Promise((resolve, reject) => {
      const element = document.createElement("script");
      element.src = src;
      element.onload = resolve;
      element.onerror = () => reject(new Error(`cannot load ${src}`));
      document.head.append(element);
    });
  /** @param {string} text */
  const fromBase64 = (text) =>
    Uint8Array.fromBase64?.(text) ??
    Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  // A host that takes .gz for an encoding has the browser unpack it: the first bytes tell.
  /** @param {Uint8Array<ArrayBuffer>} bytes */
  const unpacked = async (bytes) => {
    if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  /** @type {Map<string, Promise<Uint8Array<ArrayBuffer>>>} */
  const coming = new Map();
  /** @param {string} name below _static, without .gz */
  const load = async (name) => {
    if (onDisk) {
      // A page on disk may neither fetch nor import its neighbours, but it may run a script.
      await runScript(`${root}${name}.gz.js`);
      const key = name.slice(name.lastIndexOf("/") + 1);
      const text = globalThis.dgmPacked?.[key] ?? "";
      delete globalThis.dgmPacked?.[key];
      return unpacked(fromBase64(text));
    }
    const response = await fetch(`${root}${name}.gz?v=${version}`);
    if (!response.ok) throw new Error(`cannot load ${name}.gz (status ${response.status})`);
    return unpacked(new Uint8Array(await response.arrayBuffer()));
  };
  /** @param {string} name a model is kept: several figures may want it */
  const read = (name) => {
    const file = coming.get(name) ?? load(name);
    if (name.startsWith("live/")) {
      coming.set(name, file);
      file.catch(() => coming.delete(name));
    }
    return file;
  };

  // What dgm_core's live figures read.
  globalThis.dgmBook = { vendor, ort, read };

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

  // onnxruntime is compiled while the page is read: a graph of one node, y = x, asks for it. Where it
  // cannot come, the figures try again and say why (dgm_core/live/web/runtime.js).
  const IDENTITY =
    "CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEBE=";
  const startRuntime = async () => {
    // Fetched, not imported: the types that a host gives to .mjs and .wasm then do not matter.
    const [module, wasm] = await Promise.all([
      read("vendor/ort/ort.wasm.bundle.min.mjs"),
      read("vendor/ort/ort-wasm-simd-threaded.wasm"),
    ]);
    const url = URL.createObjectURL(new Blob([module], { type: "text/javascript" }));
    const runtime = await import(url);
    URL.revokeObjectURL(url);
    Object.assign(runtime.env.wasm, { wasmBinary: wasm.buffer, numThreads: 1 });
    runtime.env.logLevel = "error";
    await (await runtime.InferenceSession.create(fromBase64(IDENTITY))).release();
    runtime.env.wasm.wasmBinary = undefined; // it is compiled: megabytes that nobody needs any more
    return runtime;
  };

  // The widgets' modules lie in the book; the HTML manager asks a CDN only for others. Its own come
  // all in one file, but each looks for fonts in the folder that its name stands for.
  const dist = (widgets ?? `${vendor}widgets/`).replace(/\/$/, "");
  /** @type {Record<string, string>} */
  const paths = { "@jupyter-widgets": dist, "@jupyter-widgets/html-manager/dist": dist };
  for (const name of modules.split(" ").filter(Boolean)) paths[name] = vendor + name;
  const startWidgets = async () => {
    /** @type {string | undefined} */
    let src;
    if (!onDisk) {
      const text = await read("vendor/widgets/manager.js");
      src = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    }
    if (document.readyState === "loading")
      await new Promise((parsed) => {
        document.addEventListener("readystatechange", parsed, { once: true });
      });
    await runScript(src ?? `${vendor}widgets/manager.js`);
    if (src) URL.revokeObjectURL(src);
  };

  if (ort) require.config({ paths });
  else {
    globalThis.require = /** @type {any} */ ({ paths }); // require.js takes it for its settings
    /** @param {unknown} error */
    const warn = (error) => console.warn("live figures:", error);
    if (live) {
      globalThis.dgmOrt = startRuntime();
      globalThis.dgmOrt.catch((error) => {
        globalThis.dgmOrt = undefined;
        warn(error);
      });
      for (const name of models.split(" ").filter(Boolean)) read(`live/${name}.onnx`).catch(warn);
    }
    startWidgets().catch(warn);
  }

  // ---- Formulas in widgets -----------------------------------------------------------------------
  // They were set with the page (book/_ext/formulas.py), or MathJax does it here, which may come late.
  // ipywidgets has MathJax 2's queue set its labels; neither has one.
  /** @type {Record<string, string> | undefined} */
  let formulas;
  /** @param {string} tex */
  const formula = (tex) => {
    formulas ??= JSON.parse(document.getElementById("dgm-formulas")?.textContent ?? "{}");
    const template = document.createElement("template");
    template.innerHTML = formulas?.[tex] ?? "";
    return template.content.firstElementChild;
  };
  /** @param {HTMLElement} element */
  const setWords = (element) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) texts.push(/** @type {Text} */ (walker.currentNode));
    for (const text of texts) {
      const parts = text.data.split(/(\$[^$]+\$)/);
      if (parts.length > 1)
        text.replaceWith(
          ...parts.map((part) => (/^\$.+\$$/s.test(part) && formula(part.slice(1, -1))) || part),
        );
    }
  };
  /** @type {any} */
  let mathjax;
  const hub = {
    /** @param {[unknown, unknown, HTMLElement]} call */
    async Queue([, , element]) {
      if (!/\$|\\\(/.test(element.textContent)) return;
      if (globalThis.dgmFormula) return setWords(element);
      element.classList.add("mathjax_process");
      await mathjax?.startup?.promise;
      await mathjax?.typesetPromise?.([element]);
    },
  };
  if (formulasAreSet !== undefined) {
    globalThis.dgmFormula = formula;
    globalThis.MathJax = { Hub: hub };
  } else {
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
  }

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

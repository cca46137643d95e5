// Runs before a page's own scripts and counts what the page does, so that a test can ask for the
// causes of a slow page where it must not ask for its speed. The page works as it would without.
(() => {
  "use strict";
  // ---- What jumps ------------------------------------------------------------------------------
  const jumps = [];
  const note = (entries) => {
    for (const { value, hadRecentInput, startTime, sources } of entries)
      if (!hadRecentInput)
        jumps.push({
          value,
          startTime,
          of: sources.map(({ node }) => node?.outerHTML?.slice(0, 80)),
        });
  };
  const jumping = new PerformanceObserver((list) => note(list.getEntries()));
  jumping.observe({ type: "layout-shift", buffered: true });
  const shifts = () => {
    note(jumping.takeRecords());
    return jumps;
  };

  // ---- What is outstanding: timers, intervals, frames that were asked for --------------------
  const outstanding = new Set();
  const watch = (start, stop, once) => {
    const [begin, end] = [globalThis[start], globalThis[stop]];
    globalThis[start] = (work, ...rest) => {
      const call = (...values) => {
        if (once) outstanding.delete(key);
        // biome-ignore lint/security/noGlobalEval: as the browser does with a timer that is a text
        return typeof work === "function" ? work(...values) : globalThis.eval(work);
      };
      const id = begin.call(globalThis, call, ...rest);
      const key = `${stop} ${id}`;
      outstanding.add(key);
      return id;
    };
    globalThis[stop] = (id) => {
      outstanding.delete(`${stop} ${id}`);
      end.call(globalThis, id);
    };
  };
  const frame = globalThis.requestAnimationFrame;
  watch("setTimeout", "clearTimeout", true);
  watch("setInterval", "clearInterval", false);
  watch("requestAnimationFrame", "cancelAnimationFrame", true);

  // ---- What is drawn: canvases begun anew, and elements that change ---------------------------
  const drawn = []; // canvases of the page, once for each drawing
  for (const method of ["putImageData", "clearRect"]) {
    const { prototype } = CanvasRenderingContext2D;
    const draw = prototype[method];
    prototype[method] = function (...values) {
      if (this.canvas.isConnected) drawn.push(this.canvas);
      return draw.apply(this, values);
    };
  }
  const mutated = [];
  const observer = new MutationObserver((records) => mutated.push(...records));
  const take = () => {
    mutated.push(...observer.takeRecords());
    return [drawn.splice(0), mutated.splice(0)];
  };

  // ---- The widgets ---------------------------------------------------------------------------
  const graphs = () => [...globalThis.dgmGraphs.values()];
  const models = () => Promise.all(Object.values(graphs()[0].model.widget_manager._models));
  const shown = () => new Promise((ok) => frame(() => frame(() => setTimeout(ok))));
  const isSeen = (element) => {
    const box = element.getBoundingClientRect();
    return box.bottom > 0 && box.top < innerHeight;
  };
  const name = (element) => element.outerHTML.slice(0, 120);

  // Every evaluation that a move asked for has been made, and what it changed has been drawn.
  async function done() {
    for (let running; (running = graphs().filter((g) => g.running)).length; )
      await Promise.all(running.map((g) => g.running));
    await shown();
  }

  // Elements that may change when these models have: their views, and for a series its chart.
  async function territory(changed) {
    const names = new Set([...changed].map((model) => `IPY_MODEL_${model.model_id}`));
    const charts = (await models()).filter((model) =>
      model.get("_series")?.some((one) => names.has(one)),
    );
    const elements = [];
    for (const model of [...changed, ...charts])
      for (const view of await Promise.all(Object.values(model.views ?? {})))
        elements.push(view.el);
    return elements;
  }

  function press(handle) {
    const [now, most] = ["aria-valuenow", "aria-valuemax"].map((a) => handle.getAttribute(a));
    const turn = now === most ? -1 : (handle.dgmTurn ?? -1) * -1; // there and back
    handle.dgmTurn = turn;
    const key = turn > 0 ? "ArrowRight" : "ArrowLeft";
    handle.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  }

  // One move of a slider, and what is wrong with what it caused, in words.
  async function move(handle) {
    const all = await models();
    const changes = new Map(); // model: how often it has changed
    const listeners = all.map((model) => {
      const count = () => changes.set(model, (changes.get(model) ?? 0) + 1);
      model.on("change", count);
      return () => model.off("change", count);
    });
    await done();
    observer.observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
      characterData: true,
    });
    take();
    const before = new Map(graphs().map((graph) => [graph, graph.steps]));
    press(handle);
    await done();
    const [canvases, records] = take();
    observer.disconnect();
    for (const stop of listeners) stop();

    const wrong = [];
    const evaluated = graphs().filter((graph) => graph.steps !== before.get(graph));
    if (!evaluated.length && !graphs().some((graph) => graph.stateful))
      wrong.push("no graph was evaluated");
    for (const graph of evaluated) {
      const times = graph.steps - before.get(graph);
      if (times > 1) wrong.push(`${times} evaluations of one graph`);
    }
    const own = new Set(); // the slider that was moved may be a target, too
    for (const model of changes.keys())
      for (const view of await Promise.all(Object.values(model.views ?? {})))
        if (view.el.matches?.(".widget-slider") && view.el.contains(handle)) own.add(model);
    const targets = new Set(
      graphs().flatMap((graph) => graph.targets.map(({ widget }) => widget)),
    );
    for (const widget of targets) {
      const drivers = evaluated.filter((graph) =>
        graph.targets.some((target) => target.widget === widget),
      );
      const times = (changes.get(widget) ?? 0) - own.has(widget);
      const what = widget.get("_mark")?.kind ?? widget.get("_anywidget_id") ?? widget.name;
      if (times > drivers.length)
        wrong.push(`${times} changes of a ${what} by ${drivers.length} graphs`);
    }
    const allowed = await territory([...changes.keys()]);
    for (const canvas of new Set(canvases)) {
      const times = canvases.filter((one) => one === canvas).length;
      if (times > 1) wrong.push(`drawn ${times} times: ${name(canvas)}`);
      if (!allowed.some((element) => element.contains(canvas)))
        wrong.push(`drawn, but nothing new: ${name(canvas)}`);
      if (!isSeen(canvas)) wrong.push(`drawn out of sight: ${name(canvas)}`);
    }
    for (const { target } of records) {
      const element = target.nodeType === Node.ELEMENT_NODE ? target : target.parentElement;
      if (element?.isConnected && !allowed.some((one) => one.contains(element)))
        wrong.push(`changed, but nothing new: ${name(element)}`);
    }
    return [...new Set(wrong)];
  }

  // Many moves, and then what there is that could grow with their number.
  async function moves(handle, count) {
    for (let k = 0; k < count; k++) {
      press(handle);
      await done();
    }
  }

  async function standing() {
    const callbacks = (await models()).map(
      ({ _events }) => Object.values(_events ?? {}).flat().length,
    );
    return {
      elements: document.querySelectorAll("*").length,
      callbacks: callbacks.reduce((total, count) => total + count, 0),
      watchers: graphs().reduce((total, graph) => total + graph.watchers.size, 0),
      waiting: globalThis.dgmQueue.waiting.length,
      outstanding: outstanding.size,
      requests: performance.getEntriesByType("resource").length,
    };
  }

  globalThis.instruments = { move, moves, shifts, standing };
})();

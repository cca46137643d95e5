// Whether a kernel stands behind a widget: read from what the page knows, for a busy kernel answers
// nobody.

const GONE = new Set(["restarting", "autorestarting", "terminating", "dead"]);

/**
 * Watch the kernel behind a widget.
 *
 * `live` is true while a kernel has the widget's other half, false where none has, and undefined
 * where the host does not say. A kernel that was restarted no longer knows the widget.
 *
 * @param {import("./types").Model} model
 * @param {(live: boolean | undefined, busy: boolean) => void} tell called whenever either changes
 */
export function watchKernel(model, tell) {
  const manager = /** @type {import("./types").Manager} */ (model.widget_manager);
  // anywidget hands out a part of the widget's model; Backbone's `set` returns the whole.
  const whole = /** @type {{ comm_live?: boolean } | undefined} */ (
    /** @type {unknown} */ (model.set({}))
  );
  let gone = false;
  /** @type {import("./types").KernelConnection | null | undefined} */
  let kernel;
  const state = { live: /** @type {boolean | undefined} */ (undefined), busy: false };

  const look = () => {
    gone ||= Boolean(kernel && GONE.has(kernel.status));
    const live = whole?.comm_live && (gone || kernel === null) ? false : whole?.comm_live;
    const busy = live !== false && kernel?.status === "busy";
    if (live === state.live && busy === state.busy) return;
    Object.assign(state, { live, busy });
    tell(live, busy);
  };
  const connect = () => {
    kernel?.statusChanged?.disconnect(look);
    kernel = manager && "kernel" in manager ? manager.kernel : undefined;
    kernel?.statusChanged?.connect(look);
  };
  const reconnect = () => {
    if (whole?.comm_live) {
      gone = false;
      connect();
    }
    look();
  };
  connect();
  look();
  model.on("comm_live_update", reconnect);
  return {
    get live() {
      return state.live;
    },
    get busy() {
      return state.busy;
    },
    stop() {
      kernel?.statusChanged?.disconnect(look);
      model.off("comm_live_update", reconnect);
    },
  };
}

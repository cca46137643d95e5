// Who evaluates a figure outside of a book, the kernel or the page: one of the two, whatever
// happens. A kernel's state is read from what the page knows, for a busy kernel answers nobody.

import { isClosed, wholeOf } from "./models.js";

const GONE = new Set(["restarting", "autorestarting", "terminating", "dead"]);
const LONG = 1000; // milliseconds for which a kernel may be busy without a word
// Milliseconds for an answer where the page does not know whether there is a kernel at all.
const ANSWER = 8000;
export const LOST = "The Python kernel no longer knows this figure";
export const WORDS = {
  here: "Runs in your browser.",
  kernel: "Evaluated by the Python kernel.",
  asked: "Waiting for the Python kernel…",
  busy: "The Python kernel is busy with something else; this figure follows as soon as it answers.",
  gone: `${LOST}, which now runs in your browser. To have it evaluated by Python, run its cell again.`,
};

/**
 * Watch the kernel behind a widget.
 *
 * `live` is true while a kernel has the widget's other half, false where none has, and undefined
 * where the host does not say. A kernel that was restarted no longer knows the widget.
 *
 * @param {import("./types").Model} model
 * @param {() => void} tell called whenever either has changed
 */
export function watchKernel(model, tell) {
  const manager = /** @type {import("./types").Manager} */ (model.widget_manager);
  const whole = wholeOf(model);
  let gone = false;
  /** @type {import("./types").KernelConnection | null | undefined} */
  let kernel;
  const state = {
    live: /** @type {boolean | undefined} */ (undefined),
    busy: false,
    closed: false,
  };

  const look = () => {
    const closed = isClosed(manager);
    const left = kernel?.isDisposed && !closed; // for another kernel
    gone ||= Boolean(kernel && (GONE.has(kernel.status) || left));
    const live = whole.comm_live && (gone || kernel === null) ? false : whole.comm_live;
    const busy = live !== false && kernel?.status === "busy";
    const isNew = live !== state.live || busy !== state.busy || closed !== state.closed;
    Object.assign(state, { live, busy, closed });
    return isNew;
  };
  const follow = () => void (look() && tell());
  const followSoon = () => queueMicrotask(follow); // when a notebook that closes is closed
  const disconnect = () => {
    kernel?.statusChanged?.disconnect(follow);
    kernel?.disposed?.disconnect(followSoon);
  };
  const connect = () => {
    disconnect();
    kernel = manager && "kernel" in manager ? manager.kernel : undefined;
    kernel?.statusChanged?.connect(follow);
    kernel?.disposed?.connect(followSoon);
  };
  const reconnect = () => {
    if (whole.comm_live) {
      gone = false;
      connect();
    }
    follow();
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
    get closed() {
      return state.closed;
    },
    stop() {
      disconnect();
      model.off("comm_live_update", reconnect);
    },
  };
}

/**
 * Tell a figure who evaluates it, from now until the other is told. A kernel that is there may take
 * as long as it likes to answer: until then nobody evaluates, and the figure says so.
 *
 * @param {import("./types").Model} model
 * @param {{ here(words: string): void, there(): void, say(words: string): void, end(): void }} figure
 *   `here`: the page is to evaluate; `there`: the kernel does; `say`: nothing new but what is said
 *   of it; `end`: its notebook was closed
 * @returns {() => void} what ends it
 */
export function referee(model, { here, there, say, end }) {
  let [asked, evaluator] = [false, ""];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let slow;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let unanswered;

  const rest = () => {
    clearTimeout(slow);
    clearTimeout(unanswered);
  };
  /** @param {string} words */
  const giveUp = (words) => {
    if (evaluator === "browser") return;
    evaluator = "browser";
    here(words);
  };
  const ask = () => {
    asked = true;
    model.send({ type: "hello" });
    if (kernel.live === undefined) unanswered = setTimeout(() => giveUp(WORDS.here), ANSWER);
  };
  const consider = () => {
    clearTimeout(slow);
    if (kernel.closed) return end();
    if (kernel.live === false) {
      giveUp(asked ? WORDS.gone : WORDS.here);
      asked = false;
      return;
    }
    if (!asked) ask();
    if (evaluator === "browser") return;
    if (kernel.busy) slow = setTimeout(() => say(WORDS.busy), LONG);
    if (!kernel.busy || !evaluator) say(evaluator ? WORDS.kernel : WORDS.asked);
  };
  /** @param {{ type?: string }} message */
  const hello = ({ type }) => {
    if (type !== "hello" || !asked || evaluator === "kernel") return;
    rest();
    evaluator = "kernel";
    there();
  };
  const kernel = watchKernel(model, consider);
  model.on("msg:custom", hello);
  consider();
  return () => {
    rest();
    kernel.stop();
    model.off("msg:custom", hello);
  };
}

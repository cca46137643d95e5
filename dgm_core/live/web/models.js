// Models of widgets: the whole of one, another one's, and that a kernel is heard by it.

const LONGEST = 1000; // milliseconds between two looks for a model that has not come
const LOOKS = 300; // after which it is taken for missing

/** @param {number} ms */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * A widget's model itself, one for each widget and each notebook that shows it: anywidget hands a
 * script only a part, and each view another. Backbone's `set` returns the whole.
 *
 * @param {{ set(traits: {}): void }} model
 * @returns {import("./types").Whole}
 */
export const wholeOf = (model) => /** @type {any} */ (model.set({})) ?? model;

/** @param {import("./types").Manager | undefined} manager whether its notebook was closed */
export const isClosed = (manager) =>
  Boolean(manager && (manager.isDisposed || manager.context?.isDisposed));

/**
 * Hear the kernel, however long the script took to come. anywidget waits for two seconds; of a
 * widget whose script took longer it drops all that the kernel ever says.
 *
 * @param {{ set(traits: {}): void }} model
 */
export async function hear(model) {
  const whole = wholeOf(model);
  if (!whole.comm || !whole._handle_comm_msg) return;
  try {
    await whole._handle_comm_msg({ content: { data: { method: "custom", content: {} } } });
  } catch {
    let deaf = whole;
    while (!Object.hasOwn(deaf, "_handle_comm_msg")) deaf = Object.getPrototypeOf(deaf);
    const handle = Object.getPrototypeOf(deaf)._handle_comm_msg; // what anywidget waits with
    whole.comm.on_msg((message) => handle.call(whole, message));
    whole.comm.send({ method: "request_state" }); // what was dropped so far
  }
}

/**
 * Another widget's model, which may be created after the one that asks.
 *
 * @param {import("./types").Manager} manager
 * @param {string} reference "IPY_MODEL_" and an id
 * @param {() => boolean} isClosed whether nobody waits any more
 * @returns {Promise<import("./types").Target>} never settled where nobody waits
 */
export async function findModel(manager, reference, isClosed) {
  const id = reference.slice("IPY_MODEL_".length);
  for (let looks = 1; ; looks++) {
    try {
      const found = await manager.get_model(id);
      if (found) return found;
    } catch (error) {
      if (looks >= LOOKS) throw error;
    }
    if (looks >= LOOKS) throw new Error(`a part of the figure is missing (${id})`);
    if (isClosed()) return new Promise(() => {});
    await sleep(Math.min(LONGEST, 5 * 2 ** looks));
  }
}

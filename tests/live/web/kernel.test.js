import assert from "node:assert/strict";
import test from "node:test";

import { referee, WORDS } from "../../../dgm_core/live/web/kernel.js";
import { findModel, hear } from "../../../dgm_core/live/web/models.js";

/** A kernel as a page knows it: its state, and who hears of a change. */
class Kernel {
  constructor(status = "idle") {
    this.status = status;
    this.slots = new Set();
    this.statusChanged = {
      connect: (slot) => this.slots.add(slot),
      disconnect: (slot) => this.slots.delete(slot),
    };
    this.left = new Set();
    this.disposed = {
      connect: (slot) => this.left.add(slot),
      disconnect: (slot) => this.left.delete(slot),
    };
  }

  isLeft() {
    this.isDisposed = true;
    for (const slot of [...this.left]) slot();
  }

  becomes(status) {
    this.status = status;
    for (const slot of [...this.slots]) slot();
  }
}

/** A widget's model, of which a script is given a part. */
class Model {
  constructor(manager, live) {
    this.widget_manager = manager;
    this.comm_live = live;
    this.sent = [];
    this.calls = new Map();
  }

  set() {
    return this;
  }

  on(event, call) {
    this.calls.set(event, [...(this.calls.get(event) ?? []), call]);
  }

  off(event, call) {
    const kept = (this.calls.get(event) ?? []).filter((each) => each !== call);
    kept.length ? this.calls.set(event, kept) : this.calls.delete(event);
  }

  send(content) {
    this.sent.push(content.type);
  }

  trigger(event, ...details) {
    for (const call of this.calls.get(event) ?? []) call(...details);
  }

  isLive(live) {
    this.comm_live = live;
    this.trigger("comm_live_update");
  }

  answers() {
    this.trigger("msg:custom", { type: "hello" });
  }
}

/** A figure that writes down what it is told. */
function figure({ kernel, live = true, manager = { kernel } }) {
  const model = new Model(manager, manager.isSilent ? undefined : live);
  const told = [];
  const stop = referee(model, {
    here: (words) => told.push(`here: ${words}`),
    there: () => told.push("there"),
    say: (words) => told.push(words),
    end: () => told.push("end"),
  });
  const news = () => told.splice(0);
  return { model, news, stop };
}

test.beforeEach((t) => t.mock.timers.enable({ apis: ["setTimeout"] }));

const HERE = `here: ${WORDS.here}`;
const GONE = `here: ${WORDS.gone}`;

test("without a kernel the page evaluates at once, and asks nobody", () => {
  for (const { model, news } of [
    figure({ kernel: null }),
    figure({ kernel: new Kernel(), live: false }),
  ]) {
    assert.deepEqual(news(), [HERE]);
    assert.deepEqual(model.sent, []);
  }
});

test("a kernel that is there is asked, and evaluates once it answers", () => {
  const { model, news } = figure({ kernel: new Kernel() });
  assert.deepEqual(news(), [WORDS.asked]);
  assert.deepEqual(model.sent, ["hello"]);
  model.answers();
  assert.deepEqual(news(), ["there"]);
});

test("a busy kernel is waited for, however long, in words after a second", (t) => {
  const kernel = new Kernel("busy");
  const { model, news } = figure({ kernel });
  assert.deepEqual(news(), [WORDS.asked]);
  t.mock.timers.tick(999);
  assert.deepEqual(news(), []);
  t.mock.timers.tick(1);
  assert.deepEqual(news(), [WORDS.busy]);
  t.mock.timers.tick(1e7);
  assert.deepEqual(news(), []);
  kernel.becomes("idle");
  assert.deepEqual(news(), [WORDS.asked]);
  model.answers();
  assert.deepEqual(news(), ["there"]);
  assert.deepEqual(model.sent, ["hello"]);
});

test("a kernel that evaluates may be busy for less than a second without a word", (t) => {
  const kernel = new Kernel();
  const { model, news } = figure({ kernel });
  model.answers();
  news();
  kernel.becomes("busy");
  t.mock.timers.tick(900);
  kernel.becomes("idle");
  t.mock.timers.tick(1e7);
  assert.deepEqual(news(), [WORDS.kernel]);
  kernel.becomes("busy");
  t.mock.timers.tick(1000);
  kernel.becomes("idle");
  assert.deepEqual(news(), [WORDS.busy, WORDS.kernel]);
});

for (const status of ["restarting", "autorestarting", "terminating", "dead"])
  test(`when the kernel is ${status}, the page evaluates and says why`, (t) => {
    const kernel = new Kernel();
    const { model, news } = figure({ kernel });
    model.answers();
    news();
    kernel.becomes(status);
    assert.deepEqual(news(), [GONE]);
    kernel.becomes("idle"); // another kernel, which does not know the widget
    kernel.becomes("busy");
    t.mock.timers.tick(1e7);
    assert.deepEqual(news(), []);
  });

test("where another kernel is chosen, the page evaluates and says why", async () => {
  const manager = { kernel: new Kernel() };
  const { model, news } = figure({ manager });
  model.answers();
  news();
  const { kernel } = manager;
  manager.kernel = new Kernel();
  kernel.isLeft();
  await Promise.resolve();
  assert.deepEqual(news(), [GONE]);
});

for (const closed of [{ isDisposed: true }, { context: { isDisposed: true } }])
  test(`when its notebook is closed, a figure ends: ${Object.keys(closed)}`, async () => {
    const manager = { kernel: new Kernel() };
    const { model, news } = figure({ manager });
    model.answers();
    news();
    manager.kernel.isLeft();
    Object.assign(manager, closed); // a moment later
    await Promise.resolve();
    assert.deepEqual(news(), ["end"]);
  });

test("a kernel that goes before it has answered is not waited for", (t) => {
  const kernel = new Kernel("busy");
  const { model, news } = figure({ kernel });
  news();
  model.isLive(false);
  assert.deepEqual(news(), [GONE]);
  t.mock.timers.tick(1e7); // neither "busy" nor anything else comes late
  assert.deepEqual(news(), []);
});

test("what a kernel answered before it went is not believed after", () => {
  const kernel = new Kernel();
  const { model, news } = figure({ kernel });
  kernel.becomes("restarting");
  news();
  model.answers();
  assert.deepEqual(news(), []);
});

test("a kernel that is reached again is asked again, and evaluates", () => {
  const [kernel, another] = [new Kernel(), new Kernel()];
  const manager = { kernel };
  const { model, news } = figure({ manager });
  model.answers();
  model.isLive(false);
  assert.deepEqual(news(), [WORDS.asked, "there", GONE]);
  manager.kernel = another;
  model.isLive(true);
  assert.deepEqual(news(), []); // the page goes on until there is an answer
  assert.deepEqual(model.sent, ["hello", "hello"]);
  model.answers();
  assert.deepEqual(news(), ["there"]);
  assert.deepEqual([kernel.slots.size, another.slots.size], [0, 1]); // nobody asks for the first
  another.becomes("dead");
  assert.deepEqual(news(), [GONE]);
  manager.kernel = kernel;
  model.isLive(true);
  model.answers();
  assert.deepEqual(news(), ["there"]);
});

test("a host that says nothing of a kernel is given eight seconds", (t) => {
  const { model, news } = figure({ manager: { isSilent: true } });
  assert.deepEqual(news(), [WORDS.asked]);
  t.mock.timers.tick(7999);
  assert.deepEqual(news(), []);
  t.mock.timers.tick(1);
  assert.deepEqual(news(), [HERE]);
  model.isLive(false);
  model.isLive(undefined);
  assert.deepEqual(news(), []); // the page goes on
  model.answers(); // late, but there
  assert.deepEqual(news(), ["there"]);
});

test("an answer within eight seconds is kept to", (t) => {
  const { model, news } = figure({ manager: { isSilent: true } });
  model.answers();
  t.mock.timers.tick(1e7);
  assert.deepEqual(news(), [WORDS.asked, "there"]);
});

test("two answers, and messages that are none, change nothing", () => {
  const { model, news } = figure({ kernel: new Kernel() });
  model.trigger("msg:custom", {});
  assert.deepEqual(news(), [WORDS.asked]);
  model.answers();
  model.answers();
  assert.deepEqual(news(), ["there"]);
});

test("two figures of one kernel are evaluated each by whom it was told", () => {
  const kernel = new Kernel();
  const [first, second] = [figure({ kernel }), figure({ kernel })];
  first.model.answers();
  assert.deepEqual(first.news(), [WORDS.asked, "there"]);
  assert.deepEqual(second.news(), [WORDS.asked]);
  second.model.isLive(false); // one widget was closed
  assert.deepEqual(second.news(), [GONE]);
  assert.deepEqual(first.news(), []);
  kernel.becomes("restarting");
  assert.deepEqual(first.news(), [GONE]);
  assert.deepEqual(second.news(), []);
});

test("a figure that is closed hears nothing and leaves nothing", (t) => {
  const kernel = new Kernel("busy");
  const { model, news, stop } = figure({ kernel });
  const silent = figure({ manager: { isSilent: true } });
  for (const each of [{ model, news, stop }, silent]) {
    each.news();
    each.stop();
    each.model.answers();
    each.model.isLive(false);
    kernel.becomes("idle");
    t.mock.timers.tick(1e7);
    assert.deepEqual(each.news(), []);
    assert.equal(each.model.calls.size, 0);
  }
  assert.equal(kernel.slots.size + kernel.left.size, 0);
});

// ---- Whether a widget hears its kernel ---------------------------------------------------------

/** A model of anywidget's, which hears only where its script came in time. */
function widget(came) {
  const heard = [];
  class Base {
    _handle_comm_msg(message) {
      heard.push(message.content.data.method);
      return Promise.resolve();
    }
  }
  class AnyModel extends Base {
    async _handle_comm_msg(message) {
      await came();
      return super._handle_comm_msg(message);
    }
  }
  const model = new AnyModel();
  const sent = [];
  let call = (message) => model._handle_comm_msg(message);
  model.set = () => model;
  model.comm = {
    on_msg: (other) => {
      call = other;
    },
    send: (data) => sent.push(data.method),
  };
  const update = () => call({ content: { data: { method: "update" } } });
  return { model, heard, sent, update };
}

test("a widget whose script came in time is left as it is", async () => {
  const { model, heard, sent, update } = widget(() => Promise.resolve());
  await hear(model);
  await update();
  assert.deepEqual([heard, sent], [["custom", "update"], []]);
});

test("a widget whose script came late hears its kernel, and asks for what it has missed", async () => {
  const late = () => Promise.reject(new Error("[anywidget] Failed to initialize model."));
  const { model, heard, sent, update } = widget(late);
  await assert.rejects(update());
  await hear(model);
  await update();
  assert.deepEqual([heard, sent], [["update"], ["request_state"]]);
});

test("where there is no kernel, nobody is asked for anything", async () => {
  const { model, heard } = widget(() => Promise.reject(new Error("late")));
  model.comm = undefined;
  await hear(model);
  assert.deepEqual(heard, []);
});

// ---- Another widget's model ---------------------------------------------------------------------

test("a model that comes later is found", async (t) => {
  let looks = 0;
  const manager = {
    async get_model(id) {
      looks += 1;
      if (looks === 1) throw new Error("widget model not found");
      return looks > 2 ? { id } : undefined;
    },
  };
  const found = findModel(manager, "IPY_MODEL_abc", () => false);
  for (let k = 0; k < 3; k++) {
    await new Promise(setImmediate);
    t.mock.timers.tick(1000);
  }
  assert.deepEqual(await found, { id: "abc" });
});

test("a model that never comes is missed, and not looked for by a figure that is closed", async (t) => {
  let [looks, isClosed] = [0, false];
  const manager = { get_model: async () => void looks++ };
  const missed = assert.rejects(
    findModel(manager, "IPY_MODEL_abc", () => false),
    /a part of the figure is missing \(abc\)/,
  );
  for (let k = 0; k < 400; k++) {
    await new Promise(setImmediate);
    t.mock.timers.tick(1000);
  }
  await missed;
  looks = 0;
  findModel(manager, "IPY_MODEL_abc", () => isClosed);
  await new Promise(setImmediate);
  isClosed = true;
  for (let k = 0; k < 10; k++) {
    t.mock.timers.tick(1000);
    await new Promise(setImmediate);
  }
  assert.equal(looks, 2);
});

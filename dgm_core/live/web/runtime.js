// ONNX Runtime, once a page, and who computes when: one graph at a time, in the page's order.

import { sleep } from "./models.js";

const CDN = "https://cdn.jsdelivr.net/npm/onnxruntime-web@1.30.0/dist/";

/** @returns {Promise<any>} onnxruntime-web's module */
export function runtime() {
  globalThis.dgmOrt ??= importRuntime().catch((error) => {
    globalThis.dgmOrt = undefined;
    throw error;
  });
  return globalThis.dgmOrt;
}

/**
 * @param {string} url
 * @returns {Promise<Response>}
 */
async function load(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`cannot load ${url} (status ${response.status})`);
  return response;
}

/**
 * The module and the compiled code: a book has them packed, else they come from a CDN.
 *
 * @returns {Promise<[mjs: Uint8Array | string, wasm: ArrayBuffer]>}
 */
async function readRuntime() {
  const { read, ort } = globalThis.dgmBook ?? {};
  if (read && !ort) {
    const names = ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"];
    const [mjs, wasm] = await Promise.all(names.map((name) => read(`vendor/ort/${name}`)));
    return [mjs, wasm.buffer];
  }
  // Fetched, not imported: many a host calls .mjs a download, and a browser then refuses to import
  // it, or to compile .wasm as it comes.
  const folder = ort ?? CDN;
  return Promise.all([
    load(`${folder}ort.wasm.bundle.min.mjs`).then((file) => file.text()),
    load(`${folder}ort-wasm-simd-threaded.wasm`).then((file) => file.arrayBuffer()),
  ]);
}

async function importRuntime() {
  const [mjs, wasm] = await readRuntime();
  const url = URL.createObjectURL(
    new Blob([/** @type {BlobPart} */ (mjs)], { type: "text/javascript" }),
  );
  const ort = await import(url);
  URL.revokeObjectURL(url);
  ort.env.wasm.wasmBinary = wasm;
  ort.env.wasm.numThreads = 1; // threads need headers that a static host does not send
  ort.env.logLevel = "error";
  return ort;
}

/**
 * The runtime has one thread, and several graphs that call it at once trip it up: one at a time.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export function exclusively(work) {
  const turn = (globalThis.dgmOrtTurn ?? Promise.resolve()).then(work);
  globalThis.dgmOrtTurn = turn.catch(() => {});
  return turn;
}

// Figures start one after another, each as a whole and the first of the page first: the reader
// soon has one, and does not wait for all. What they check of themselves comes when all are there.
const queue = (globalThis.dgmQueue ??= { waiting: [], busy: false });

/** @param {import("./types").Turn} a @param {import("./types").Turn} b */
function isBefore(a, b) {
  if (a.late !== b.late) return b.late;
  const [here, there] = [a.graph.element, b.graph.element];
  if (!here || !there) return Boolean(here);
  return Boolean(here.compareDocumentPosition(there) & Node.DOCUMENT_POSITION_FOLLOWING);
}

function callNext() {
  if (queue.busy || !queue.waiting.length) return;
  queue.busy = true;
  const next = queue.waiting.reduce((first, each) => (isBefore(each, first) ? each : first));
  queue.waiting.splice(queue.waiting.indexOf(next), 1);
  next.call();
}

/**
 * @param {import("./types").Engine} graph
 * @param {boolean} late after all that are not
 * @param {() => Promise<void>} work
 */
export async function inLine(graph, late, work) {
  /** @type {Promise<void>} */
  const turn = new Promise((call) => {
    queue.waiting.push({ graph, late, call });
    callNext();
  });
  await turn;
  try {
    await work();
  } finally {
    await frame();
    queue.busy = false;
    callNext();
  }
}

const drawn = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

/** Until the page was drawn; a hidden page draws nothing. */
export const frame = () => Promise.race([drawn(), sleep(100)]);

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

/** @param {string} text */
export function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

/**
 * @param {string} src
 * @returns {Promise<unknown>}
 */
export function runScript(src) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = src;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`cannot load ${src}`));
    document.head.append(script);
  });
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
 * The module's text and the compiled code, by whatever way the page may take them.
 *
 * @param {string} folder
 * @returns {Promise<[mjs: string, wasm: ArrayBuffer]>}
 */
async function readRuntime(folder) {
  if (location.protocol === "file:" && folder.startsWith("file:")) {
    // A page on disk may neither fetch nor import its neighbours, but it may run a classic script.
    await runScript(folder + "ort-offline.js");
    const { mjs, wasm } = /** @type {{ mjs: string, wasm: string }} */ (globalThis.dgmOrtOffline);
    globalThis.dgmOrtOffline = undefined;
    return [mjs, fromBase64(wasm).buffer];
  }
  // Fetched, not imported: many a host calls .mjs a download, and a browser then refuses to import
  // it, or to compile .wasm as it comes.
  return Promise.all([
    load(`${folder}ort.wasm.bundle.min.mjs`).then((file) => file.text()),
    load(`${folder}ort-wasm-simd-threaded.wasm`).then((file) => file.arrayBuffer()),
  ]);
}

async function importRuntime() {
  const [mjs, wasm] = await readRuntime(globalThis.dgmBook?.ort ?? CDN);
  const url = URL.createObjectURL(new Blob([mjs], { type: "text/javascript" }));
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
    await Promise.race([drawn(), sleep(100)]); // a hidden page draws nothing
    queue.busy = false;
    callNext();
  }
}

const drawn = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

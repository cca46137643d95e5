// Types that the scripts here and those of book/_ext share. tsc reads this file, no page loads it;
// README.md says what each of the names means.

/** What anywidget hands a script of a widget whose traits are `T`. */
export interface Model<T = Record<string, any>> {
  get<K extends keyof T>(trait: K): T[K];
  set<K extends keyof T>(trait: K, value: T[K]): void;
  set(traits: Partial<T>): void;
  save_changes(): void;
  send(content: unknown): void;
  on(event: string, callback: (...details: any[]) => void): void;
  off(event: string, callback: (...details: any[]) => void): void;
  widget_manager: Manager;
}

/** The widget's model itself, of which a script is given a part. */
export interface Whole {
  comm_live?: boolean;
  comm?: { on_msg(callback: (message: unknown) => unknown): void; send(data: unknown): void };
  _handle_comm_msg?(message: unknown): Promise<unknown>; // anywidget's
}

/** The page's manager of widgets; in JupyterLab and its like it knows its kernel. */
export interface Manager {
  get_model(id: string): Promise<Target | undefined>;
  kernel?: KernelConnection | null;
  isDisposed?: boolean; // its notebook was closed
  context?: { isDisposed: boolean } | null; // of the notebook in JupyterLab, which is sooner known
  _rendermime?: { latexTypesetter?: { typeset(element: HTMLElement): void } | null }; // JupyterLab's
}

interface Signal {
  connect(slot: () => void): void;
  disconnect(slot: () => void): void;
}

export interface KernelConnection {
  status: string;
  isDisposed?: boolean; // another kernel was chosen, or the notebook closed
  statusChanged?: Signal;
  disposed?: Signal;
}

export interface Context<T = Record<string, any>> {
  model: Model<T>;
  el: HTMLElement;
}

/** Any widget of the page, as its manager knows it. */
export interface Target {
  get(trait: string): any;
  set(traits: Record<string, unknown>): void;
  set(trait: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: (...details: any[]) => void): void;
  off(event: string, callback: (...details: any[]) => void): void;
}

export type Shape = number[];
export type Grid = [rows: number, columns: number, height: number, width: number];
export type Values = ArrayLike<number>;
export interface Tensor {
  data: Float32Array;
  dims: readonly number[];
}

/** `Graph._spec`: what a graph's page has to know. */
export interface Spec {
  inputs: Record<string, Shape>;
  noise: Record<string, { law: string; shape: Shape; redraw: string }>;
  state: Record<string, { shape: Shape; initial: number[] }>;
  outputs: string[];
}

/** What a graph tells whoever watches it. */
export interface Status {
  state: "loading" | "ready" | "error";
  backend: "" | "kernel" | "browser";
  output: string;
  words: string;
  parity?: number;
  tick?: number;
  age?: number;
  cost?: number;
}

/** What a player and the tests may do with the graph of a page. */
export interface Engine {
  key: string;
  status: Status;
  watchers: Set<(status: Status) => void>;
  element?: HTMLElement;
}

/** One widget's trait that a graph keeps equal to an output, as `Graph.drive` was told. */
export interface Drive {
  widget: Target;
  trait: string;
  source: string;
  kind: "text" | "dataview" | "floats";
  value?: string | number | Values;
  set?: unknown;
}

export interface Turn {
  graph: Engine;
  late: boolean;
  call(): void;
}

/** What dgm-setup.js tells of the book: where its scripts lie, where a CDN has ONNX Runtime, and
 * how to read a file below `_static` that was packed. */
export interface Book {
  vendor: string;
  ort?: string;
  read(name: string): Promise<Uint8Array<ArrayBuffer>>;
}

declare global {
  var dgmBook: Book | undefined;
  var dgmFormula: ((tex: string) => Element | null) | undefined;
  var dgmGraphs: Map<Whole, Engine> | undefined;
  var dgmOrt: Promise<any> | undefined;
  var dgmOrtTurn: Promise<unknown> | undefined;
  var dgmPacked: Record<string, string> | undefined;
  var dgmQueue: { waiting: Turn[]; busy: boolean } | undefined;
  var dgmScript: (name: string) => Promise<unknown>;
  var DOCUMENTATION_OPTIONS: { SHOW_SEARCH_SUMMARY: boolean }; // Sphinx's
  var MathJax: any;
  var require: { config(options: { paths: Record<string, string> }): void }; // require.js's
}

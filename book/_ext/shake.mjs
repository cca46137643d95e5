// Takes out of a bundle of AMD modules what nothing asks for: reads it from stdin, writes to
// stdout. Each module of webpack's is a function in a table; it asks for others by their number.

import { readFileSync } from "node:fs";

const bundle = readFileSync(0, "utf8");
const [START, END] = ["var __webpack_modules__=", ",__webpack_module_cache__="];
const start = bundle.indexOf(START) + START.length;
const end = bundle.indexOf(END, start);
if (start < START.length || end < 0) throw new Error("the bundle has no table of modules");

const text = bundle.slice(start, end);
const code = bundle.slice(end, bundle.indexOf("\ndefine(", end));
// Only the table is made; no module in it runs.
const table = new Function(`return ${text}`)();
// Whatever looks like a call with a module's number counts, so too much may stay, never too little.
const asksFor = (source) =>
  [...source.matchAll(/\b\w+\((\d+)\)/g)].map(([, id]) => id).filter((id) => id in table);
const kept = new Set();
const ask = (source) => {
  for (const id of asksFor(source))
    if (!kept.has(id)) {
      kept.add(id);
      ask(String(table[id]));
    }
};
ask(code);
const modules = [...kept].map((id) => `${id}:${table[id]}`);
process.stdout.write(`${bundle.slice(0, start)}{${modules}}${bundle.slice(end)}`);

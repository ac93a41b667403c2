// Lints state machines with the pinned npm packages of this folder: asl-validator
// holds each file against the schema of the Amazon States Language, and jsonata
// compiles each expression. Usage: node lint.mjs <node_modules> <file>...
// Writes one line per finding, and "<n> expressions" at the end.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const [modules, ...files] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), "lint.js"));
const validate = require("asl-validator");
const jsonata = require("jsonata");

let expressions = 0;
function compile(file, where, value) {
  if (typeof value === "string" && value.startsWith("{%")) {
    expressions++;
    try {
      if (!value.endsWith("%}")) throw new Error("it does not end with %}");
      jsonata(value.slice(2, -2));
    } catch (e) {
      console.log(`${file}: ${where}: ${value}: ${e.message}`);
    }
  } else if (value && typeof value === "object") {
    for (const [name, inner] of Object.entries(value)) compile(file, `${where}/${name}`, inner);
  }
}

for (const file of files) {
  const definition = JSON.parse(readFileSync(file, "utf8"));
  for (const { "Error code": code, Message: message, path } of validate(definition).errors) {
    console.log(`${file}: ${code} ${path ?? ""} ${message}`);
  }
  compile(file, "", definition);
}
console.log(`${expressions} expressions`);

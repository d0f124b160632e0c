// run.mjs MODULE: runs main of a WebAssembly module that was linked from main.c with -DBARE: say() writes to stdout.
import { readFileSync, writeSync } from "node:fs";

let memory;
function say(at) {
	const bytes = new Uint8Array(memory.buffer);
	writeSync(1, bytes.slice(at, bytes.indexOf(0, at)));
}
const module = await WebAssembly.instantiate(readFileSync(process.argv[2]), { env: { say } });
memory = module.instance.exports.memory;
process.exitCode = module.instance.exports.main();

// WebKit writes where in WebAssembly an error came from in lines that the SDK leaves out, because no address is in them.

/**
 * What Safari 17 and 18 write, what 26 does, and what comes after: `<?>.wasm-function[12]@[wasm code]`, `12@<?>:wasm-function[12]`,
 * `12@wasm-function[12]:0x3f`. Of a file with names the first has one in the brackets, the others have it in front.
 */
const LINE = /^(?:([^@\n]*)@)?(?:[^@\s/]*[.:])?wasm-function\[([^\]\n]+)\](?::0x[\da-f]+)?(?:@\[wasm code\])?$/gim;

/** The stack with those lines as the SDK reads them. Which of the files it was is not known. */
export function readable(stack: string): string {
  return stack.replace(LINE, (_, name: string | undefined, within: string) => `${name && name !== within ? name : ""}@wasm://wasm-function[${within}]`);
}

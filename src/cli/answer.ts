/**
 * How a command answers: one JSON document on standard output under --json, lines for people otherwise.
 *
 * A document is one line, so that `--watch --json` gives JSON lines. Pinned by test/cli/main.test.ts.
 */
import type { Invocation, Terminal } from './command'

/** What JSON can say; undefined members of an object are left out. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined }

/** Gives `document` under --json, else `lines`. */
export function answer(invocation: Invocation, document: Json, lines: readonly string[]): void {
  if (invocation.json) printJson(invocation.terminal, document)
  else printLines(invocation.terminal, lines)
}

/** One JSON document, on a line of its own. */
export function printJson(terminal: Terminal, document: Json): void {
  terminal.out(`${JSON.stringify(document)}\n`)
}

/** Lines, each ended. */
export function printLines(terminal: Terminal, lines: readonly string[]): void {
  if (lines.length > 0) terminal.out(`${lines.join('\n')}\n`)
}

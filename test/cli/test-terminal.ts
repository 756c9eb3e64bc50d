/**
 * A terminal made of arrays, in which a test runs a command in its own process: what the command printed, and its exit code.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { InterruptedError } from '../../src/cli/cli-errors'
import type { Terminal } from '../../src/cli/command'
import type { ExitCode } from '../../src/cli/exit-codes'
import { EXIT_INTERRUPTED } from '../../src/cli/exit-codes'
import { main } from '../../src/cli/main'

/** What a command did. */
export interface CommandOutcome {
  readonly code: ExitCode
  readonly out: string
  readonly err: string
}

/** What a test sets; the rest is a pipe of 80 columns without colours. */
export interface TerminalOptions {
  readonly input?: string | Uint8Array | readonly Uint8Array[]
  readonly inputIsTerminal?: boolean
  readonly errIsTerminal?: boolean
  readonly isTerminal?: boolean
  readonly environment?: Readonly<Record<string, string>>
  /** Told of everything that is printed, at once; may interrupt. */
  readonly onOut?: (text: string, interrupt: () => void) => void
}

/** Runs `strictkv` with these words. */
export async function runCommand(words: readonly string[], options: TerminalOptions = {}): Promise<CommandOutcome> {
  const { terminal, outcome } = createTestTerminal(options)
  const code = await main(words, terminal)
  return { code, ...outcome() }
}

/** A terminal, and what was printed on it so far. */
export function createTestTerminal(options: TerminalOptions = {}): {
  readonly terminal: Terminal
  outcome(): { readonly out: string; readonly err: string }
  interrupt(): void
} {
  const out: Buffer[] = []
  const err: string[] = []
  const abort = new AbortController()
  const interrupt = (): void => abort.abort(new InterruptedError('interrupted', EXIT_INTERRUPTED))
  const terminal: Terminal = {
    out: (text) => {
      out.push(Buffer.from(text))
      options.onOut?.(Buffer.from(text).toString(), interrupt)
    },
    drained: () => Promise.resolve(),
    err: (text) => void err.push(text),
    isTerminal: options.isTerminal ?? false,
    errIsTerminal: options.errIsTerminal ?? false,
    inputIsTerminal: options.inputIsTerminal ?? false,
    columns: 80,
    colours: false,
    input: inputOf(options.input ?? ''),
    signal: abort.signal,
    environment: options.environment ?? {},
    nodeVersion: process.versions.node,
  }
  return { terminal, outcome: () => ({ out: Buffer.concat(out).toString(), err: err.join('') }), interrupt }
}

/** Gives each test a directory of its own; all are removed at the end. */
export function useDirectories(): () => string {
  const made: string[] = []
  afterAll(() => made.forEach((directory) => rmSync(directory, { recursive: true, force: true })))
  return () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'strictkv-cli-'))
    made.push(directory)
    return directory
  }
}

/** A hash over every name and byte in a directory: equal if and only if nothing was changed. */
export function hashOf(directory: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(directory).sort()) {
    const file = path.join(directory, name)
    hash.update(`${name}\0`)
    hash.update(statSync(file).isDirectory() ? hashOf(file) : readFileSync(file))
  }
  return hash.digest('hex')
}

async function* inputOf(input: string | Uint8Array | readonly Uint8Array[]): AsyncGenerator<Uint8Array, undefined> {
  for (const chunk of Array.isArray(input) ? (input as readonly Uint8Array[]) : [Buffer.from(input as string)]) {
    await Promise.resolve()
    yield chunk
  }
  return undefined
}

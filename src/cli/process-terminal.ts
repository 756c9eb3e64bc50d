/**
 * The terminal of a real process: its streams, its Ctrl-C, its environment. The one file of the frame that touches `process`.
 *
 * The first Ctrl-C (or SIGTERM) aborts the signal, and the command ends at its next step; the second one ends the process at once,
 * which a database survives like every crash. When the reader of standard output goes away, writing stops quietly and the
 * signal is aborted too; when the output cannot be written (a full disk behind >), it is aborted as well, and main.ts says why. Pinned by test/cli/process.test.ts.
 */
import { InterruptedError } from './cli-errors'
import type { Terminal } from './command'
import { EXIT_INTERRUPTED, EXIT_OUTPUT_CLOSED, EXIT_PROBLEM } from './exit-codes'

const COLUMNS_UNKNOWN = 80
/** Narrower than this nothing is readable, however it is wrapped. */
const COLUMNS_MIN = 40

/** The terminal of this process; call it once. */
export function createProcessTerminal(): Terminal {
  const { stdout, stderr, stdin, env } = process
  const abort = new AbortController()
  let isOutputGone = false
  stdout.on('error', (error: Error & { code?: string }) => {
    if (isOutputGone) return
    isOutputGone = true
    if (error.code === 'EPIPE') abort.abort(new InterruptedError('the output was closed', EXIT_OUTPUT_CLOSED))
    else abort.abort(new InterruptedError(`Cannot write the output: ${error.message}`, EXIT_PROBLEM))
  })
  // Nobody is left to be told.
  stderr.on('error', () => undefined)
  const interrupt = (): void => {
    if (abort.signal.aborted) process.exit(EXIT_INTERRUPTED)
    abort.abort(new InterruptedError('interrupted', EXIT_INTERRUPTED))
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  return {
    out: (text) => {
      if (!isOutputGone) stdout.write(text)
    },
    drained: () => drained(abort.signal),
    err: (text) => void stderr.write(text),
    isTerminal: stdout.isTTY,
    errIsTerminal: stderr.isTTY,
    inputIsTerminal: stdin.isTTY,
    columns: Math.max(COLUMNS_MIN, stdout.isTTY ? stdout.columns : COLUMNS_UNKNOWN),
    colours: stdout.isTTY && (env['NO_COLOR'] ?? '') === '',
    input: stdin,
    signal: abort.signal,
    environment: env,
    nodeVersion: process.versions.node,
  }
}

/** An empty write is called back once everything before it was taken, or has failed. Nobody waits after Ctrl-C. */
function drained(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve()
      return
    }
    const end = (): void => {
      signal.removeEventListener('abort', end)
      resolve()
    }
    signal.addEventListener('abort', end)
    process.stdout.write('', end)
  })
}

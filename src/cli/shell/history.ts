/**
 * The lines typed before, kept between runs in a file that only its owner can read.
 *
 * Where: STRICTKV_HISTORY; else strictkv/history in XDG_STATE_HOME; else ~/.local/state/strictkv/history. An empty
 * STRICTKV_HISTORY keeps none, nor is there one where there is no home. A line that begins with a blank is not kept, which is the place for
 * secrets. Each line is appended when it is typed, so a second shell, or the death of this one, loses nothing; the file
 * is cut to `historyLinesMax` when it is opened.
 *
 * What fails here never stops the shell: it goes on without a history, and says why, once.
 * Pinned by test/cli/shell/history.test.ts.
 */
import { closeSync, fchmodSync, fstatSync, mkdirSync, openSync, readSync, renameSync, writeSync } from 'node:fs'
import path from 'node:path'
import { SHELL_LIMITS } from './shell-limits'

const OWNER_ONLY_FILE = 0o600
const OWNER_ONLY_DIRECTORY = 0o700

/** Where the history is; undefined for none. */
export function historyFileOf(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const { STRICTKV_HISTORY: file, XDG_STATE_HOME: state, HOME: home } = environment
  if (file !== undefined) return file === '' ? undefined : file
  // A relative path is to be ignored, says the specification of these variables.
  if (state !== undefined && path.isAbsolute(state)) return path.join(state, 'strictkv', 'history')
  return home === undefined || home === '' ? undefined : path.join(home, '.local', 'state', 'strictkv', 'history')
}

/** The history of a shell. */
export interface ShellHistory {
  /** Oldest first. */
  readonly lines: readonly string[]
  /** Why there is no history; undefined if all is well. */
  readonly problem: string | undefined
  /** Keeps a line, if it is one to be kept. */
  add(line: string): void
}

/** Opens the history in `file`, and cuts it; without a file it keeps nothing. */
export function openHistory(file: string | undefined): ShellHistory {
  if (file === undefined) return { lines: [], problem: undefined, add: () => undefined }
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: OWNER_ONLY_DIRECTORY })
    const lines = readHistory(file)
    return { lines, problem: undefined, add: (line) => append(file, line) }
  } catch (error) {
    const problem = `no history is kept in ${file}: ${(error as Error).message}`
    return { lines: [], problem, add: () => undefined }
  }
}

/** Whether a line is worth keeping: something, not too long, and not meant to be forgotten. */
export function isKept(line: string): boolean {
  return line !== '' && !/^\s/.test(line) && line.length <= SHELL_LIMITS.historyLineCharsMax
}

/** The last lines of the file; a longer file is rewritten with these alone. */
function readHistory(file: string): string[] {
  const { historyLinesMax, historyBytesMax } = SHELL_LIMITS
  const descriptor = openSync(file, 'a+', OWNER_ONLY_FILE)
  try {
    // The mode of a new file is narrowed by the umask at most, and an old one may be anybody's to read.
    fchmodSync(descriptor, OWNER_ONLY_FILE)
    const { size } = fstatSync(descriptor)
    const bytes = Buffer.alloc(Math.min(size, historyBytesMax))
    const start = size - bytes.length
    const read = readSync(descriptor, bytes, 0, bytes.length, start)
    const all = bytes.subarray(0, read).toString('utf8').split('\n')
    // The first one may be the end of a line.
    const whole = (start > 0 ? all.slice(1) : all).filter(isKept)
    const lines = whole.slice(-historyLinesMax)
    if (start > 0 || whole.length > historyLinesMax) rewrite(file, lines)
    return lines
  } finally {
    closeSync(descriptor)
  }
}

function rewrite(file: string, lines: readonly string[]): void {
  const staging = `${file}.new`
  const descriptor = openSync(staging, 'w', OWNER_ONLY_FILE)
  try {
    fchmodSync(descriptor, OWNER_ONLY_FILE)
    writeSync(descriptor, lines.map((line) => `${line}\n`).join(''))
  } finally {
    closeSync(descriptor)
  }
  renameSync(staging, file)
}

function append(file: string, line: string): void {
  if (!isKept(line)) return
  try {
    const descriptor = openSync(file, 'a', OWNER_ONLY_FILE)
    try {
      writeSync(descriptor, `${line}\n`)
    } finally {
      closeSync(descriptor)
    }
  } catch {
    // The disk may be full, the directory gone: the line is still in the memory of this shell.
  }
}

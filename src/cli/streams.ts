/**
 * The file or standard input that a command reads, and the new file or standard output that it writes.
 *
 * A new file appears under its name when it is whole and synced, and never takes the place of another. `-` stands for the stream.
 * Pinned by test/cli/dump-commands.test.ts.
 */
import { createReadStream, existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { link, open, unlink } from 'node:fs/promises'
import path from 'node:path'
import { CommandError, UsageError } from './cli-errors'
import type { Terminal } from './command'
import { untilAborted } from './open-database'
import { isSystemError, systemErrorReason } from './system-errors'

/** Bytes to read, and how many there are where that is known. */
export interface Input {
  /** For messages. */
  readonly name: string
  readonly bytes: number | undefined
  readonly chunks: AsyncIterable<Uint8Array>
}

/** Opens what is to be read; `-` or nothing is standard input. Throws `UsageError`. */
export function openInput(terminal: Terminal, file: string | undefined): Input {
  if (file === undefined || file === '-') {
    if (terminal.inputIsTerminal) throw new UsageError('Cannot read from the terminal: name a file, or use < or |')
    return { name: 'standard input', bytes: undefined, chunks: stopping(terminal.input, terminal.signal) }
  }
  const status = statusOf(file)
  if (status === undefined) throw new UsageError(`Cannot read ${file}: there is no such file`)
  if (status.isDirectory()) throw new UsageError(`Cannot read ${file}: it is a directory`)
  const chunks = createReadStream(file, { highWaterMark: READ_BYTES }) as AsyncIterable<Uint8Array>
  return { name: file, bytes: status.isFile() ? status.size : undefined, chunks: stopping(chunks, terminal.signal) }
}

/** Tells `onBytes` how many bytes have come so far. */
export async function* counting(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array, undefined> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    onBytes(bytes)
    yield chunk
  }
  return undefined
}

/**
 * Writes `chunks` into a new file: under another name first, synced, then named. Throws `UsageError` where the name is taken or its
 * directory missing, and `CommandError` where the system refuses; then nothing is left behind.
 */
export async function writeNewFile(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  if (existsSync(file)) throw taken(file)
  const directory = path.dirname(path.resolve(file))
  if (statusOf(directory)?.isDirectory() !== true) {
    throw new UsageError(`Cannot write ${file}: there is no directory ${directory}`)
  }
  const partial = `${file}.partial-${Math.random().toString(36).slice(2, 10)}`
  const handle = await open(partial, 'wx', 0o600).catch((error: unknown) => {
    throw writingFailed(file, error)
  })
  try {
    await writeAll(handle, chunks, signal)
    // A link, unlike a rename, fails where the name has been taken meanwhile.
    await link(partial, file).catch((error: unknown) => {
      throw (error as { code?: string }).code === 'EEXIST' ? taken(file) : error
    })
    await unlink(partial)
    await syncDirectory(directory)
  } catch (error) {
    rmSync(partial, { force: true })
    throw writingFailed(file, error)
  }
}

/** Writes a small file in one piece, over one that is there. Throws `CommandError`; then nothing half written is left behind. */
export function writeSmallFile(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (error) {
    if (isSystemError(error) && error.syscall === 'write') rmSync(file, { force: true })
    throw writingFailed(file, error)
  }
}

/** Makes the names in a directory durable, where the system can do that. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const READ_BYTES = 256 * 1024

async function writeAll(handle: FileHandle, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  try {
    for await (const chunk of stopping(chunks, signal)) await handle.writeFile(chunk)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The same chunks until the signal is aborted; then its reason is thrown, also where the next chunk never comes. */
async function* stopping(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, undefined> {
  const iterator = chunks[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await untilAborted(signal, iterator.next())
      if (next.done === true) return undefined
      yield next.value
    }
  } finally {
    // Not awaited: it may stand behind a chunk that never comes.
    void iterator.return?.().catch(() => undefined)
  }
}

function statusOf(file: string): Stats | undefined {
  return statSync(file, { throwIfNoEntry: false })
}

/** The error of the system as a sentence about the file that was asked for; any other as it is. */
function writingFailed(file: string, error: unknown): unknown {
  if (!isSystemError(error)) return error
  return new CommandError(`Cannot write ${file}: ${systemErrorReason(error)}`, { cause: error })
}

function taken(file: string): UsageError {
  return new UsageError(`Cannot write ${file}: it is there already; name a new file`)
}

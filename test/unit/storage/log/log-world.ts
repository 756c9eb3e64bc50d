/** What the tests of the log share: a directory in memory, a manifest that is a list, batches and what they hold. */
import { createLimits } from '../../../../src/base/limits'
import type { LimitName } from '../../../../src/base/limits'
import type { Sequence } from '../../../../src/base/sequence'
import type { Runtime } from '../../../../src/runtime/runtime'
import { batchBytes, ENTRY_DELETE, ENTRY_PUT } from '../../../../src/storage/engine'
import type { Batch, Durability } from '../../../../src/storage/engine'
import type { Log } from '../../../../src/storage/log/log'
import { openLog } from '../../../../src/storage/log/log-open'
import type { LogEnd, RecoveredLog } from '../../../../src/storage/log/log-contract'
import { recoverLog } from '../../../../src/storage/log/log-reader'

/** Where the log of a test lies. */
export const DIRECTORY = '/db'

/** Small enough for a test to go through several segments; nothing is kept aside unless a test asks for it. */
const SMALL: Partial<Record<LimitName, number>> = {
  segmentBytesMin: 64 * 1024,
  segmentBytesMax: 256 * 1024,
  logSliceBytes: 16 * 1024,
  reserveBytes: 0,
}

/** A log, and everything it has told. */
export interface LogWorld {
  readonly log: Log
  /** The segments that the manifest names. */
  readonly named: number[]
  /** Every sequence told as published, in order. */
  readonly published: Sequence[]
  readonly poisons: Error[]
  /** Run inside the next calls of the listener. */
  onPublished: ((sequence: Sequence) => void) | undefined
  nameSegment: ((number: number) => Promise<void>) | undefined
}

/** How a test's log begins. */
export interface WorldOptions {
  readonly limits?: Partial<Record<LimitName, number>>
  readonly firstSegment?: number
  readonly lastSequence?: Sequence
  readonly previous?: LogEnd
  readonly ioMode?: 'thread' | 'inline'
}

/** Opens a log in `DIRECTORY`, which is created if it is missing. */
export async function openWorld(runtime: Runtime, options: WorldOptions = {}): Promise<LogWorld> {
  if ((await runtime.files.status(DIRECTORY)) === undefined) {
    await runtime.files.createDirectory(DIRECTORY)
    await runtime.files.syncDirectory(runtime.files.parent(DIRECTORY))
  }
  const world: Partial<Omit<LogWorld, 'log'>> & { log?: Log } = {}
  const named: number[] = []
  const published: Sequence[] = []
  const poisons: Error[] = []
  const log = await openLog(runtime, {
    directory: DIRECTORY,
    limits: createLimits({ ...SMALL, ...options.limits }),
    ioMode: options.ioMode ?? 'thread',
    firstSegment: options.firstSegment ?? 1,
    lastSequence: options.lastSequence ?? 0,
    previous: options.previous,
    listener: {
      onPublished: (sequence) => {
        published.push(sequence)
        world.onPublished?.(sequence)
      },
      onPoisoned: (cause) => poisons.push(cause),
      nameSegment: async (number) => {
        await world.nameSegment?.(number)
        named.push(number)
      },
    },
  })
  return Object.assign(world, { log, named, published, poisons, onPublished: undefined, nameSegment: undefined })
}

/** A batch with one put, whose value tells the sequence and is `valueBytes` long. */
export function putBatch(sequence: Sequence, valueBytes = 20): Batch {
  return [{ kind: ENTRY_PUT, key: `key-${sequence % 100}`, value: valueOf(sequence, valueBytes), end: undefined }]
}

/** A batch with one delete. */
export function deleteBatch(sequence: Sequence): Batch {
  return [{ kind: ENTRY_DELETE, key: `key-${sequence % 100}`, value: undefined, end: undefined }]
}

/** The value that `putBatch` gives to a sequence. */
export function valueOf(sequence: Sequence, valueBytes: number): Buffer {
  return Buffer.alloc(valueBytes, `${sequence}/`)
}

/** Reserves and appends one batch; resolves when it has been appended. */
export async function commit(
  log: Log,
  batch: Batch,
  sequence: Sequence,
  durability: Durability = 'sync',
): Promise<void> {
  const bytes = batchBytes(batch)
  const isDeletesOnly = batch.every(({ kind }) => kind !== ENTRY_PUT)
  await log.reserve(bytes, isDeletesOnly)
  log.append(batch, bytes, sequence, durability)
}

/** Commits `count` puts one after the other, each durable before the next: a frame each. Returns the last sequence. */
export async function commitSingly(
  log: Log,
  range: { readonly after: Sequence; readonly count: number; readonly valueBytes?: number },
): Promise<Sequence> {
  for (let sequence = range.after + 1; sequence <= range.after + range.count; sequence++) {
    await commit(log, putBatch(sequence, range.valueBytes), sequence)
    await log.sync()
  }
  return range.after + range.count
}

/** Lets the world go on until `isDone`; fails after many turns, for then it never will be. */
export async function turnsUntil(runtime: Runtime, isDone: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000; turn++) {
    if (isDone()) return
    await runtime.scheduler.nextTurn()
  }
  throw new Error('10,000 turns were not enough')
}

/** What `recover` found, with the commits that it applied. */
export interface Recovered extends RecoveredLog {
  readonly applied: readonly { readonly sequence: Sequence; readonly batch: Batch }[]
}

/** Recovers the segments and copies what it applies. */
export async function recover(
  runtime: Runtime,
  numbers: readonly number[],
  options: { readonly afterSequence?: Sequence; readonly cleanEnd?: LogEnd | undefined } = {},
): Promise<Recovered> {
  const applied: { sequence: Sequence; batch: Batch }[] = []
  const found = await recoverLog(
    runtime,
    { directory: DIRECTORY, numbers },
    { afterSequence: options.afterSequence ?? 0, cleanEnd: options.cleanEnd },
    (sequence, batch) => {
      const copy = batch.map((entry) => ({ ...entry, value: entry.value && Buffer.from(entry.value) }))
      applied.push({ sequence, batch: copy })
    },
  )
  return { ...found, applied }
}

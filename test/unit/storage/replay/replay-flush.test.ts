/** Pieces of a log are written to tables while it is replayed: in their order, by the worker, and without a trace if nothing comes of it. */
import { createLimits } from '../../../../src/base/limits'
import type { BackgroundMode, BackgroundWorker } from '../../../../src/runtime/runtime'
import { performByteJob } from '../../../../src/storage/compaction/byte-jobs'
import { ENTRY_DELETE, ENTRY_PUT } from '../../../../src/storage/engine'
import { REPLAY_PIECE_BYTES_MIN, ReplayFlush, replayPieceBytes } from '../../../../src/storage/replay/replay-flush'
import type { ReplayedRows } from '../../../../src/storage/replay/replayed-rows'
import { BlockCache } from '../../../../src/storage/table/block-cache'
import { TableStore } from '../../../../src/storage/table/table-store'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { gathered } from './replayed-pieces'

const MiB = 1024 * 1024

interface World {
  readonly runtime: MemoryRuntime
  readonly flush: ReplayFlush
  /** Who did the byte work of each job, in the order in which they were begun. */
  readonly workers: string[]
  /** Jobs begun and not ended. */
  readonly running: () => number
  readonly tables: () => Promise<string[]>
}

/** `mode`: what the worker that is handed to it says it is; it runs inline all the same. */
async function create(mode: BackgroundMode = 'thread'): Promise<World> {
  const runtime = createMemoryRuntime({ seed: 1 })
  await runtime.files.createDirectory('/db')
  const workers: string[] = []
  let running = 0
  const named = (name: string, saidMode: BackgroundMode): BackgroundWorker => {
    const worker = runtime.workers.open('inline', performByteJob)
    const run: BackgroundWorker['run'] = async (job) => {
      workers.push(name)
      running++
      try {
        return await worker.run(job)
      } finally {
        running--
      }
    }
    return { mode: saidMode, start: () => undefined, close: () => worker.close(), run }
  }
  const limits = createLimits()
  const cache = new BlockCache({ bytesMax: 0 })
  const tables = new TableStore(runtime, { directory: '/db', cache, onRemoveFailed: () => undefined })
  let number = 0
  const allocateFileNumber = (): number => ++number
  const worker = named('thread', mode)
  const context = { runtime, directory: '/db', limits, tables, worker, allocateFileNumber }
  const flush = new ReplayFlush(context, named('here', 'inline'))
  const names = async (): Promise<string[]> => (await runtime.files.list('/db')).filter((name) => name.endsWith('.table')) // prettier-ignore
  return { runtime, flush, workers, running: () => running, tables: names }
}

/** Pieces of so many commits each: every second commit deletes what the one before has put. */
function piecesOf(...commits: readonly number[]): readonly ReplayedRows[] {
  let sequence = 0
  return commits.map((count) => {
    const batches = Array.from({ length: count }, () => {
      sequence++
      const key = `k${sequence % 10}`
      const put = { kind: ENTRY_PUT, key, value: Buffer.from(`v${sequence}`), end: undefined } as const
      return {
        sequence,
        batch: [sequence % 2 === 1 ? put : ({ ...put, kind: ENTRY_DELETE, value: undefined } as const)],
      }
    })
    return gathered([batches])[0]!
  })
}

describe('writing what is replayed', () => {
  test('gives a table for each piece in their order, whoever of the two has written it', async () => {
    const { flush, workers, tables } = await create()
    const pieces = piecesOf(7, 5, 9)
    flush.begin(pieces[0]!)
    flush.begin(pieces[1]!)
    const files = await flush.finish(pieces[2])
    expect(workers.slice(0, 2)).toEqual(['thread', 'here'])
    expect(workers).toHaveLength(3)
    expect(files.map(({ properties }) => [properties.firstSequence, properties.lastSequence])).toEqual([[1, 7], [8, 12], [13, 21]]) // prettier-ignore
    // Nothing older lies below the first: its tombstones are dropped. In the others each may hide something.
    expect(files.map(({ properties }) => properties.tombstones)).toEqual([0, 3, 4])
    expect(await tables()).toHaveLength(3)
    for (const file of files) file.table.unpin()
  })

  test('writes a short log here, without a thread', async () => {
    const { flush, workers, tables } = await create()
    const files = await flush.finish(piecesOf(7)[0])
    expect(workers).toEqual(['here'])
    expect(await tables()).toHaveLength(1)
    for (const file of files) file.table.unpin()
  })

  test('writes nothing for an empty log', async () => {
    const { flush, workers } = await create()
    expect(await flush.finish()).toEqual([])
    expect(workers).toEqual([])
  })

  test('writes one piece after the other where there is no thread', async () => {
    const { runtime, flush, workers, running } = await create('inline')
    const pieces = piecesOf(2000, 1, 2000, 1)
    for (const piece of pieces.slice(0, 3)) flush.begin(piece)
    let runningMax = 0
    let isEnded = false
    const watch = async (): Promise<void> => {
      while (!isEnded) {
        runningMax = Math.max(runningMax, running())
        await runtime.scheduler.nextTurn()
      }
    }
    const watching = watch()
    const files = await flush.finish(pieces[3])
    isEnded = true
    await watching
    expect(runningMax).toBe(1)
    expect(workers).toHaveLength(4)
    for (const file of files) file.table.unpin()
  })

  test('given up, stops and leaves nothing behind, whatever was written by then', async () => {
    for (const turns of [0, 1, 5, 30, 1000]) {
      const { runtime, flush, running, tables } = await create()
      for (const piece of piecesOf(300, 300, 300)) flush.begin(piece)
      for (let i = 0; i < turns; i++) await runtime.scheduler.nextTurn()
      await flush.discard()
      expect(running()).toBe(0)
      expect(await tables()).toEqual([])
    }
  })

  const failures = [0, 1, 2].flatMap((failing) => [[failing, 'thread'] as const, [failing, 'inline'] as const])
  test.each(failures)('a failure of table %s fails the whole and leaves nothing behind (%s)', async (failing, mode) => {
    const { runtime, flush, workers, running, tables } = await create(mode)
    let count = 0
    runtime.inject = ({ operation, path }) =>
      operation === 'create' && path.endsWith('.table') && count++ === failing ? 'ENOSPC' : undefined
    const pieces = piecesOf(700, 500, 900)
    flush.begin(pieces[0]!)
    flush.begin(pieces[1]!)
    await expect(flush.finish(pieces[2])).rejects.toMatchObject({ name: 'DiskFullError' })
    // Two at a time: another one may have been begun before the failure was known.
    if (mode === 'inline') expect(workers).toHaveLength(failing + 1)
    expect(running()).toBe(0)
    expect(await tables()).toEqual([])
  })
})

test('a log is replayed in about as many pieces as level 0 holds without a merge, none of them small or above the limit', () => {
  const limits = { memtableBytesMax: 512 * MiB, levelZeroTablesMax: 4 }
  expect(replayPieceBytes(128 * MiB, limits)).toBe(32 * MiB)
  expect(replayPieceBytes(1 * MiB, limits)).toBe(REPLAY_PIECE_BYTES_MIN)
  expect(replayPieceBytes(1024 * MiB, { ...limits, memtableBytesMax: 32 * MiB })).toBe(32 * MiB)
  expect(replayPieceBytes(1 * MiB, { ...limits, memtableBytesMax: 16 * 1024 })).toBe(16 * 1024)
})

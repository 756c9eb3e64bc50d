/** Memtables that replay fills are written meanwhile: in order, by the worker, and without a trace if nothing comes of it. */
import { createLimits } from '../../../src/base/limits'
import type { BackgroundWorker } from '../../../src/runtime/runtime'
import { performByteJob } from '../../../src/storage/compaction/byte-jobs'
import { ENTRY_DELETE, ENTRY_PUT } from '../../../src/storage/engine'
import type { FrozenMemtable } from '../../../src/storage/memtable/memtables'
import { Memtables } from '../../../src/storage/memtable/memtables'
import { ReplayFlush, REPLAY_PIECE_BYTES_MIN, replayPieceBytes } from '../../../src/storage/replay-flush'
import { BlockCache } from '../../../src/storage/table/block-cache'
import { TableStore } from '../../../src/storage/table/table-store'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../support/memory-runtime/memory-runtime'

const MiB = 1024 * 1024

interface World {
  readonly runtime: MemoryRuntime
  readonly flush: ReplayFlush
  /** Who did the byte work of each job, in order. */
  readonly workers: string[]
  readonly tables: () => Promise<string[]>
}

async function create(): Promise<World> {
  const runtime = createMemoryRuntime({ seed: 1 })
  await runtime.files.createDirectory('/db')
  const workers: string[] = []
  const named = (name: string): BackgroundWorker => {
    const worker = runtime.workers.open('inline', performByteJob)
    return { mode: 'inline', close: () => worker.close(), run: (job) => (workers.push(name), worker.run(job)) }
  }
  const limits = createLimits()
  const cache = new BlockCache({ bytesMax: 0 })
  const tables = new TableStore(runtime, { directory: '/db', cache, onRemoveFailed: () => undefined })
  let number = 0
  const allocateFileNumber = (): number => ++number
  const context = { runtime, directory: '/db', limits, tables, worker: named('thread'), allocateFileNumber }
  const flush = new ReplayFlush(context, named('here'))
  const names = async (): Promise<string[]> => (await runtime.files.list('/db')).filter((name) => name.endsWith('.table')) // prettier-ignore
  return { runtime, flush, workers, tables: names }
}

/** Frozen memtables, the oldest first, of so many commits each: every second one deletes what the one before has put. */
function frozenOf(...commits: readonly number[]): readonly FrozenMemtable[] {
  const memtables = new Memtables(0)
  let sequence = 0
  for (const count of commits) {
    for (let i = 0; i < count; i++) {
      sequence++
      const value = Buffer.from(`v${sequence}`)
      const put = { kind: ENTRY_PUT, key: `k${sequence % 10}`, value, end: undefined } as const
      memtables.insert(sequence % 2 === 1 ? [put] : [{ ...put, kind: ENTRY_DELETE, value: undefined }], sequence)
    }
    memtables.freeze()
  }
  return [...memtables.frozen].reverse()
}

describe('writing what is replayed', () => {
  test('gives a table for each memtable in their order, by the worker from the first that is begun early', async () => {
    const { flush, workers } = await create()
    const frozen = frozenOf(7, 5, 9)
    flush.begin(frozen[0]!)
    flush.begin(frozen[1]!)
    const files = await flush.finish(frozen)
    expect(workers).toEqual(['thread', 'thread', 'thread'])
    expect(files.map(({ properties }) => [properties.firstSequence, properties.lastSequence])).toEqual([[1, 7], [8, 12], [13, 21]]) // prettier-ignore
    // Nothing older lies below the first: its tombstones are dropped. In the others each may hide something.
    expect(files.map(({ properties }) => properties.tombstones)).toEqual([0, 3, 4])
    for (const file of files) file.table.unpin()
  })

  test('writes a short log here, without a thread', async () => {
    const { flush, workers, tables } = await create()
    const files = await flush.finish(frozenOf(7))
    expect(workers).toEqual(['here'])
    expect(await tables()).toHaveLength(1)
    for (const file of files) file.table.unpin()
  })

  test('given up, stops and leaves nothing behind, whatever was written by then', async () => {
    for (const turns of [0, 1, 5, 30, 1000]) {
      const { runtime, flush, tables } = await create()
      for (const frozen of frozenOf(300, 300, 300)) flush.begin(frozen)
      for (let i = 0; i < turns; i++) await runtime.scheduler.nextTurn()
      await flush.discard()
      expect(await tables()).toEqual([])
    }
  })

  test.each([0, 1, 2])(
    'a failure of table %s fails the whole and leaves nothing behind; nothing is written after it',
    async (failing) => {
      const { runtime, flush, workers, tables } = await create()
      let count = 0
      runtime.inject = ({ operation, path }) =>
        operation === 'create' && path.endsWith('.table') && count++ === failing ? 'ENOSPC' : undefined
      const frozen = frozenOf(7, 5, 9)
      flush.begin(frozen[0]!)
      await expect(flush.finish(frozen)).rejects.toMatchObject({ name: 'DiskFullError' })
      expect(workers).toHaveLength(failing + 1)
      expect(await tables()).toEqual([])
    },
  )
})

test('a log is replayed in about as many pieces as level 0 holds without a merge, none of them small or above the limit', () => {
  const limits = { memtableBytesMax: 512 * MiB, levelZeroTablesMax: 4 }
  expect(replayPieceBytes(128 * MiB, limits)).toBe(64 * MiB)
  expect(replayPieceBytes(1 * MiB, limits)).toBe(REPLAY_PIECE_BYTES_MIN)
  expect(replayPieceBytes(1024 * MiB, { ...limits, memtableBytesMax: 32 * MiB })).toBe(32 * MiB)
  expect(replayPieceBytes(1 * MiB, { ...limits, memtableBytesMax: 16 * 1024 })).toBe(16 * 1024)
})

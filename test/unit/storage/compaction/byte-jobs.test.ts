/** The byte work of flushes and merges as jobs: in a thread and inline the same bytes come out, and nothing is left of what fails. */
import fs from 'node:fs'
import path from 'node:path'
import { createLimits } from '../../../../src/base/limits'
import { CorruptionError, IoError } from '../../../../src/base/errors'
import { createNodeRuntime } from '../../../../src/runtime/node/node-runtime'
import type { BackgroundJob, BackgroundWorker, Runtime } from '../../../../src/runtime/runtime'
import { performByteJob } from '../../../../src/storage/compaction/byte-jobs'
import type { ByteJob, ReplayJob } from '../../../../src/storage/compaction/byte-jobs'
import { createRetention } from '../../../../src/storage/compaction/compaction-retention'
import { ENTRY_DELETE, ENTRY_DELETE_RANGE, ENTRY_PUT } from '../../../../src/storage/engine'
import type { BatchEntry } from '../../../../src/storage/engine'
import { tableFileName } from '../../../../src/storage/files/file-names'
import { Memtable } from '../../../../src/storage/memtable/memtable'
import { Memtables } from '../../../../src/storage/memtable/memtables'
import { PlacedRowsCursor } from '../../../../src/storage/memtable/placed-rows-cursor'
import type { WrittenTables } from '../../../../src/storage/compaction/merge-job'
import { compileEntry, createTemporaryDirectory } from '../../../contract/runtime/world'
import { SeededRandom } from '../../../support/oracle/random'
import { gathered } from '../replay/replayed-pieces'
import { createMergeWorld, randomRuns } from './merge-world'
import { versionsFrom } from '../table/table-world'

const root = createTemporaryDirectory()
const workerFile = compileEntry('src/worker.ts', root)
const runtime = createNodeRuntime({ workerFile })
let thread: BackgroundWorker
let inline: BackgroundWorker
beforeAll(() => {
  thread = runtime.workers.open('thread', performByteJob)
  inline = runtime.workers.open('inline', performByteJob)
})
afterAll(async () => {
  await thread.close()
  fs.rmSync(root, { recursive: true, force: true })
})

let directory: string
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(root, 'case-'))
})

/** A random memtable: many keys, overwritten and deleted now and then, some long, some values large. */
function randomMemtable(random: SeededRandom, writes: number): Memtable {
  const memtable = new Memtable()
  for (let sequence = 1; sequence <= writes; sequence++) {
    const key = random.chance(0.01) ? '' : 'k'.repeat(random.pick([0, 0, 300])) + String(random.below(writes))
    const value = Buffer.alloc(random.chance(0.01) ? 5_000 : random.below(60), sequence)
    if (random.chance(0.1)) memtable.insert(ENTRY_DELETE, key, undefined, sequence)
    else memtable.insert(ENTRY_PUT, key, value, sequence)
    if (random.chance(0.005)) memtable.insertRange(String(random.below(writes)), undefined, sequence)
  }
  return memtable
}

function feedOf(memtable: Memtable, each: number): () => Promise<Uint32Array | undefined> {
  let behind: string | undefined
  return async () => {
    const { places, lastKey } = memtable.placesBehind(behind, each)
    behind = lastKey
    return places.length === 0 ? undefined : places
  }
}

async function run(worker: BackgroundWorker, data: ByteJob, more: Partial<BackgroundJob> = {}): Promise<WrittenTables> {
  return (await worker.run({ data, isUrgent: false, onProgress: () => undefined, ...more })) as WrittenTables
}

/** The job with its tables in another place and under other numbers, so that both forms can be compared. */
const filesOf = (where: string, { tables }: WrittenTables): Buffer[] =>
  tables.map(({ fileNumber }) => fs.readFileSync(path.join(where, tableFileName(fileNumber))))

describe('rows in places', () => {
  it.each([1, 3, 4096])('show what the memtable itself shows, fed %d at a time', async (each) => {
    const memtable = randomMemtable(new SeededRandom(11), 3_000)
    const cursor = new PlacedRowsCursor(memtable.chunks, feedOf(memtable, each))
    const expected = await versionsFrom(memtable.openCursor(false), undefined)
    expect(await versionsFrom(cursor, undefined)).toEqual(expected)
    expect(expected.length).toBe(3_000)
  })

  it('are none of an empty memtable, and all of a single key', async () => {
    const memtable = new Memtable()
    expect(await versionsFrom(new PlacedRowsCursor(memtable.chunks, feedOf(memtable, 5)), undefined)).toEqual([])
    memtable.insert(ENTRY_PUT, '', Buffer.from('v'), 1)
    memtable.insert(ENTRY_DELETE, '', undefined, 2)
    const shown = await versionsFrom(new PlacedRowsCursor(memtable.chunks, feedOf(memtable, 5)), undefined)
    expect(shown.map(({ sequence }) => sequence)).toEqual([2, 1])
  })
})

describe('a flush', () => {
  it('writes the same table in a thread and inline', async () => {
    const memtable = randomMemtable(new SeededRandom(5), 20_000)
    const results: Buffer[][] = []
    for (const worker of [thread, inline]) {
      const where = fs.mkdtempSync(path.join(directory, 'out-'))
      const flush = {
        chunks: memtable.chunks,
        rangeTombstones: memtable.rangeTombstones?.list() ?? [],
        retention: createRetention([500, 9_000], 19_000),
        hasOlder: true,
        output: { directory: where, limits: createLimits({}), fileNumbers: [7], tableBytesMax: Infinity, cutKeys: [] },
      }
      const written = await run(worker, { kind: 'flush', flush }, { isUrgent: true, feed: feedOf(memtable, 1_000) })
      expect(written.tables).toHaveLength(1)
      results.push(filesOf(where, written))
    }
    expect(thread.mode).toBe('thread')
    expect(results[0]![0]!.length).toBeGreaterThan(200_000)
    expect(results[0]![0]!.equals(results[1]![0]!)).toBe(true)
  })
})

describe('a flush of replayed rows', () => {
  it('writes the table that a memtable of the same commits becomes, in a thread and inline', async () => {
    const random = new SeededRandom(6)
    const memtables = new Memtables(0)
    const frames = Array.from({ length: 300 }, (_, frame) =>
      Array.from({ length: 64 }, (__, i) => {
        const sequence = frame * 64 + i + 1
        const batch = [randomEntry(random, sequence)]
        memtables.insert(batch, sequence)
        return { sequence, batch }
      }),
    )
    const memtable = memtables.active
    const [rows] = gathered(frames, 8 * 1024 * 1024)
    const retention = createRetention([], memtable.lastSequence)
    const results: Buffer[] = []
    const jobs = (output: ReplayJob['output']): [BackgroundWorker, ByteJob][] => {
      const replay: ByteJob = { kind: 'replay', replay: { rows: rows!, retention, hasOlder: true, output } }
      const rangeTombstones = memtable.rangeTombstones!.list()
      const flush = { chunks: memtable.chunks, rangeTombstones, retention, hasOlder: true, output }
      return [[thread, replay], [inline, replay], [inline, { kind: 'flush', flush }]] // prettier-ignore
    }
    for (const turn of [0, 1, 2]) {
      const where = fs.mkdtempSync(path.join(directory, 'out-'))
      const output = { directory: where, limits: createLimits({}), fileNumbers: [7], tableBytesMax: Infinity, cutKeys: [] } // prettier-ignore
      const [worker, job] = jobs(output)[turn]!
      const written = await run(worker, job, { isUrgent: true, isPaced: false, feed: feedOf(memtable, 1_000) })
      expect(written.entriesRead).toBe(19_200 - memtable.rangeTombstones!.size)
      results.push(...filesOf(where, written))
    }
    expect(results[0]!.length).toBeGreaterThan(200_000)
    expect(results[1]!.equals(results[0]!)).toBe(true)
    expect(results[2]!.equals(results[0]!)).toBe(true)
  })
})

/** A put or delete of few keys, now and then of a range. */
function randomEntry(random: SeededRandom, sequence: number): BatchEntry {
  const key = `user:${String(random.below(6_000)).padStart(12, '0')}`
  if (random.chance(0.002)) return { kind: ENTRY_DELETE_RANGE, key, value: undefined, end: `${key}~` }
  if (random.chance(0.1)) return { kind: ENTRY_DELETE, key, value: undefined, end: undefined }
  const value = Buffer.alloc(random.chance(0.01) ? 5_000 : random.below(400), sequence)
  return { kind: ENTRY_PUT, key, value, end: undefined }
}

/** Random merges on the disk; their outputs begin at number 1000. */
async function mergeIn(where: string, seed: number): Promise<ByteJob> {
  const random = new SeededRandom(seed)
  const inPlace: Runtime = {
    ...runtime,
    files: { ...runtime.files, join: (...parts) => path.join(...parts.map((part) => (part === '/t' ? where : part))) },
  }
  const { job } = await createMergeWorld(inPlace, random, randomRuns(random))
  return { kind: 'merge', merge: { ...job, output: { ...job.output, directory: where } } }
}

describe('a merge', () => {
  it('writes the same tables in a thread and inline', async () => {
    for (let seed = 300; seed < 320; seed++) {
      const results: Buffer[][] = []
      for (const worker of [thread, inline]) {
        const where = fs.mkdtempSync(path.join(directory, 'merge-'))
        results.push(filesOf(where, await run(worker, await mergeIn(where, seed))))
      }
      expect(results[0]!.length).toBe(results[1]!.length)
      results[0]!.forEach((bytes, i) => expect(bytes.equals(results[1]![i]!)).toBe(true))
    }
  })

  it.each(['thread', 'inline'])('leaves nothing behind when it is stopped or fails (%s)', async (mode) => {
    const worker = mode === 'thread' ? thread : inline
    const where = fs.mkdtempSync(path.join(directory, 'fails-'))
    const job = await mergeIn(where, 302)
    const before = fs.readdirSync(where)
    expect(before.length).toBeGreaterThan(0)
    const victim = path.join(where, before[0]!)
    const whole = fs.readFileSync(victim)
    const broken = Buffer.from(whole)
    broken[10]! ^= 1
    fs.writeFileSync(victim, broken)
    await expect(run(worker, job)).rejects.toBeInstanceOf(CorruptionError)
    expect(fs.readdirSync(where)).toEqual(before)
    fs.rmSync(victim)
    await expect(run(worker, job)).rejects.toBeInstanceOf(IoError)
    fs.writeFileSync(victim, whole)
    expect(fs.readdirSync(where)).toEqual(before)
    const { tables } = await run(worker, job)
    expect(fs.readdirSync(where).length).toBe(before.length + tables.length)
  })
})

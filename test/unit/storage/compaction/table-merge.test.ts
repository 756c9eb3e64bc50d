/** The merge of tables against the simple merge: the same files, byte for byte, whatever goes in. */
import { createLimits } from '../../../../src/base/limits'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createRetention } from '../../../../src/storage/compaction/compaction-retention'
import { ENTRY_DELETE, ENTRY_PUT } from '../../../../src/storage/engine'
import { tableFileName } from '../../../../src/storage/files/file-names'
import { performMerge } from '../../../../src/storage/compaction/merge-job'
import type { MergeJob } from '../../../../src/storage/compaction/merge-job'
import { Slices } from '../../../../src/storage/slices'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { SeededRandom, replayCommand, testSeed } from '../../../support/oracle/random'
import { createMergeWorld, randomRuns } from './merge-world'
import type { RunContent } from './merge-world'
import { neededVersions, referenceMerge } from './reference-merge'
import { openTestTable, TestFile, versionsFrom } from '../table/table-world'
import type { ModelVersion } from '../rows/version-model'

const file = 'test/unit/storage/compaction/table-merge.test.ts'

async function bytesOf(runtime: MemoryRuntime, directory: string, fileNumber: number): Promise<Buffer> {
  const opened = await runtime.files.open(`${directory}/${tableFileName(fileNumber)}`, 'read')
  const bytes = Buffer.alloc(await opened.size())
  await opened.read(bytes, 0, bytes.length, 0)
  await opened.close()
  return bytes
}

async function newRuntime(): Promise<MemoryRuntime> {
  const runtime = createMemoryRuntime({ seed: 1 })
  await runtime.files.createDirectory('/t')
  await runtime.files.createDirectory('/reference')
  return runtime
}

/** Merges both ways; gives how many tables came out. */
async function compareWithReference(
  runtime: MemoryRuntime,
  runs: readonly RunContent[],
  job: MergeJob,
): Promise<{ readonly tables: number; readonly entries: number }> {
  const before = await runtime.files.list('/t')
  const slices = new Slices(runtime, job.output.limits, () => undefined)
  const merged = await performMerge(runtime, job, slices)
  const expected = await referenceMerge(
    runtime,
    {
      versions: runs.flatMap((run) => run.versions),
      rangeTombstones: runs.flatMap((run) => run.rangeTombstones),
      retention: job.retention,
      older: job.older,
    },
    { ...job.output, directory: '/reference' },
  )
  expect(merged.tables).toEqual(expected)
  expect(merged.entriesRead).toBe(runs.reduce((sum, run) => sum + run.versions.length, 0))
  expect(merged.entriesWritten).toBe(expected.reduce((sum, table) => sum + table.entries, 0))
  for (const { fileNumber } of expected) {
    const same = (await bytesOf(runtime, '/t', fileNumber)).equals(await bytesOf(runtime, '/reference', fileNumber))
    expect(same).toBe(true)
  }
  const left = (await runtime.files.list('/t')).filter((name) => !before.includes(name))
  expect(left).toEqual(await runtime.files.list('/reference'))
  return { tables: expected.length, entries: merged.entriesWritten }
}

describe('the merge of tables', () => {
  it('writes byte for byte what the simple merge writes, for random runs, retention, tombstones and cuts', async () => {
    const seed = testSeed(20_261)
    let [tables, entries] = [0, 0]
    for (let round = 0; round < 250; round++) {
      const random = new SeededRandom(seed + round)
      const runs = randomRuns(random)
      if (runs.length === 0) continue
      const runtime = await newRuntime()
      const { job } = await createMergeWorld(runtime, random, runs)
      try {
        const done = await compareWithReference(runtime, runs, job)
        tables += done.tables
        entries += done.entries
      } catch (error) {
        throw new Error(`round ${round} differs; again with ${replayCommand(seed + round, file)}`, { cause: error })
      }
    }
    expect(tables).toBeGreaterThan(500)
    expect(entries).toBeGreaterThan(18_000)
  })

  it.each([
    ['interleave row by row', (i: number) => i % 2],
    ['lie one behind the other', (i: number) => (i < 3_000 ? 0 : 1)],
    ['alternate by long stretches', (i: number) => Math.floor(i / 500) % 2],
    ['are one large and one with a row here and there', (i: number) => (i % 97 === 0 ? 1 : 0)],
  ])('does so for large runs that %s', async (_, runOf) => {
    const runs: { versions: ModelVersion[]; rangeTombstones: [] }[] = [0, 1].map(() => ({
      versions: [],
      rangeTombstones: [],
    }))
    for (let i = 0; i < 6_000; i++) {
      const key = `user${String(i).padStart(16, '0')}`
      runs[runOf(i)]!.versions.push({ key, sequence: 6_001 - i, kind: ENTRY_PUT, value: Buffer.alloc(100, i) })
    }
    const runtime = await newRuntime()
    const { job } = await createMergeWorld(runtime, new SeededRandom(5), runs)
    const output = { ...job.output, limits: createLimits({}), tableBytesMax: 200_000, cutKeys: [], fileNumbers: [9_001, 9_002, 9_003, 9_004, 9_005, 9_006, 9_007, 9_008] } // prettier-ignore
    const done = await compareWithReference(runtime, runs, {
      ...job,
      retention: createRetention([], 6_000),
      older: [],
      output,
    })
    expect(done.tables).toBeGreaterThan(3)
  })

  it('counts what it handles into slices of mergeSliceBytes', async () => {
    const versions = Array.from({ length: 4_000 }, (_, i): ModelVersion => {
      return { key: String(i).padStart(8, '0'), sequence: i + 1, kind: ENTRY_PUT, value: Buffer.alloc(92) }
    })
    const runs = [{ versions, rangeTombstones: [] }]
    const runtime = await newRuntime()
    const { job } = await createMergeWorld(runtime, new SeededRandom(5), runs)
    const limits = createLimits({ mergeSliceBytes: 10_000 })
    let slices = 0
    const output = { ...job.output, limits, fileNumbers: [9_001], tableBytesMax: Infinity }
    await performMerge(
      runtime,
      { ...job, output },
      new Slices(runtime, limits, () => {
        slices++
      }),
    )
    // A slice ends behind the block that fills it.
    expect(slices).toBeGreaterThanOrEqual(28)
    expect(slices).toBeLessThanOrEqual(40)
  })
})

interface Vectors {
  readonly sources: readonly (readonly (readonly string[])[])[]
  readonly expected: Readonly<Record<string, { entries: number; bytes: number; sha256: string }>>
}

describe('the merge vectors', () => {
  const vectors = JSON.parse(readFileSync(path.join(__dirname, '../../../data/vectors/merge-iterator.json'), 'utf8')) as Vectors // prettier-ignore

  /** The sources as runs, newest first; sequences ascend from the oldest source's first write. */
  function vectorRuns(): RunContent[] {
    let sequence = 0
    const oldestFirst = [...vectors.sources].reverse().map((source) => {
      const versions = new Map<string, ModelVersion>()
      for (const [kind, key, value, loop] of source) {
        const count = loop === undefined ? 1 : Number(/0\.\.(\d+)/.exec(loop)![1]) + 1
        for (let i = 0; i < count; i++) {
          const fill = (text: string): string => text.replace('{i}', String(i))
          const isDelete = kind === 'delete'
          versions.set(fill(key!), {
            key: fill(key!),
            sequence: ++sequence,
            kind: isDelete ? ENTRY_DELETE : ENTRY_PUT,
            value: isDelete ? undefined : Buffer.from(fill(value!)),
          })
        }
      }
      return { versions: [...versions.values()], rangeTombstones: [] }
    })
    return oldestFirst.reverse()
  }

  it.each(['tombstonesKept', 'tombstonesDropped'] as const)('are reproduced bit for bit: %s', async (name) => {
    const runs = vectorRuns()
    const runtime = await newRuntime()
    const { job } = await createMergeWorld(runtime, new SeededRandom(3), runs)
    const retention = createRetention([], 1_000)
    const older = name === 'tombstonesKept' ? [{ start: '', end: undefined }] : []
    const output = { ...job.output, fileNumbers: [9_001], cutKeys: [] }
    const slices = new Slices(runtime, output.limits, () => undefined)
    await performMerge(runtime, { ...job, retention, older, output }, slices)
    const written = new TestFile()
    written.bytes = await bytesOf(runtime, '/t', 9_001)
    const { table } = await openTestTable(written, { fileNumber: 9_001 })
    const versions = await versionsFrom(table.openCursor({ reverse: false }), undefined)
    expect(versions).toEqual(neededVersions({ versions: runs.flatMap((run) => run.versions), rangeTombstones: [], retention, older })) // prettier-ignore
    const frames = versions.map(({ key, value }) => {
      const head = Buffer.alloc(4)
      head.writeUInt32LE(key.length)
      if (value === undefined) return Buffer.concat([head, Buffer.from(key, 'latin1'), Buffer.from([1])])
      const length = Buffer.alloc(4)
      length.writeUInt32LE(value.length)
      return Buffer.concat([head, Buffer.from(key, 'latin1'), Buffer.from([0]), length, value])
    })
    const bytes = Buffer.concat(frames)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    expect({ entries: versions.length, bytes: bytes.length, sha256 }).toEqual(vectors.expected[name])
  })
})

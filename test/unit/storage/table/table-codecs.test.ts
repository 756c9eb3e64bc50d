/** Tables with compressed blocks: the same answers as plain ones, in every way of reading, and through merges. */
import { crc32 } from '../../../../src/base/checksum'
import { createLimits } from '../../../../src/base/limits'
import { CorruptionError } from '../../../../src/base/errors'
import { codecs } from '../../../../src/storage/files/codec'
import type { CodecName } from '../../../../src/storage/files/codec'
import { tableFileName } from '../../../../src/storage/files/file-names'
import { hashKey, KeyHash } from '../../../../src/storage/table/filter'
import { Lookup } from '../../../../src/storage/rows/lookup'
import { performMerge } from '../../../../src/storage/compaction/merge-job'
import type { MergeJob } from '../../../../src/storage/compaction/merge-job'
import { Slices } from '../../../../src/storage/slices'
import { blockSeed, fileSeed, sealBlock } from '../../../../src/storage/table/table-format'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { SeededRandom, testSeed } from '../../../support/oracle/random'
import { createMergeWorld, randomRuns } from '../compaction/merge-world'
import { referenceMerge } from '../compaction/reference-merge'
import { openTestTable, smallTable, TestFile, versionsFrom, writeTable } from './table-world'
import type { ModelHistory } from '../rows/version-model'
import { expectLines, historyOf, inOrder, linesOf, modelGet } from '../rows/version-model'

const available: readonly CodecName[] = (['deflate', 'zstd'] as const).filter(
  (name) => codecs.problem(name) === undefined,
)

const compressible: ModelHistory = historyOf(
  Array.from({ length: 60 }, (_, i) => ({
    ranges: i === 20 ? [{ start: 'row/1', end: 'row/3' }] : [],
    points: [
      { key: `row/${i % 40}`, value: i % 9 === 8 ? undefined : Buffer.from(`name of a person, number ${i % 5}; `.repeat(5)) },
      { key: `tall/${i}`, value: Buffer.alloc(i % 10 === 0 ? 30_000 : 10, i) },
      { key: `noise/${i}`, value: Buffer.from(Array.from({ length: 100 }, (_, j) => (i * 7919 + j * j * 31) & 0xff)) },
    ],
  })),
) // prettier-ignore

function compressedTable(codec: CodecName, blockBytes = 1024): ReturnType<typeof writeTable> {
  const compression = { codec, payloadBytesMax: 1024 * 1024 }
  return writeTable(compressible, { ...smallTable, blockBytes, compression })
}

describe.each(available)('a table with codec %s', (codec) => {
  test('is smaller, and answers as a plain one in every way of reading', async () => {
    const plain = await writeTable(compressible, { ...smallTable, blockBytes: 1024 })
    const { file, properties } = await compressedTable(codec)
    expect(properties.fileBytes).toBeLessThan(plain.properties.fileBytes / 2)
    expect({ ...properties, fileBytes: 0 }).toEqual({ ...plain.properties, fileBytes: 0 })
    const { table } = await openTestTable(file)
    const all = inOrder(compressible.versions)
    for (const options of [{ reverse: false }, { reverse: false, bulk: true }, { reverse: true }]) {
      const found = await versionsFrom(table.openCursor(options), undefined)
      expectLines(linesOf(options.reverse ? found.reverse() : found), linesOf(all))
    }
    const hash = new KeyHash()
    const found = new Lookup()
    for (const { key } of all) {
      for (const sequence of [1, 20, 40, 60]) {
        hashKey(key, hash)
        table.getSync(key, hash, sequence, found)
        const expected = modelGet(compressible, key, sequence)
        expect([key, found.state, found.sequence]).toEqual([key, expected.state, expected.sequence])
      }
    }
    await table.verify()
  })

  test('is charged to the block cache by its decompressed size', async () => {
    const { file, properties } = await compressedTable(codec)
    const { table, cache } = await openTestTable(file, { cacheBytes: 8 * 1024 * 1024 })
    await versionsFrom(table.openCursor({ reverse: false }), undefined)
    expect(cache.bytes).toBeGreaterThan(properties.keyBytes + properties.valueBytes)
    expect(cache.bytes).toBeGreaterThan(2 * properties.fileBytes)
    cache.checkInvariants()
  })

  test('refuses changed bytes that carry a right checksum, or gives the same rows', async () => {
    const { file } = await compressedTable(codec)
    const { table } = await openTestTable(file, { cacheBytes: 0 })
    // The first block, read where it lies.
    const first = firstBlockBytes(file)
    table.unpin()
    let refused = 0
    for (let at = 0; at < first - 8; at++) {
      const damaged = new TestFile()
      damaged.bytes = Buffer.from(file.bytes)
      damaged.bytes[at] = (damaged.bytes[at] ?? 0) ^ 0x10
      const id = codecs.named(codec).id
      sealBlock(damaged.bytes, { at: 0, payloadBytes: first - 8, type: 1, seed: fileSeed(7), offset: 0, codec: id })
      const opened = await openTestTable(damaged, { cacheBytes: 0 })
      const failure = await opened.table.verify().then(() => undefined, (error: unknown) => error) // prettier-ignore
      // What decompresses to other rows is seen by the checks of order, filter and counts; values alone carry no check of their own.
      if (failure !== undefined) expect(failure).toBeInstanceOf(CorruptionError)
      if (failure !== undefined) refused++
    }
    expect(refused).toBeGreaterThan(first / 2)
  })
})

/** Where the first block ends, asked of the bytes: its trailer is the first with a right checksum. */
function firstBlockBytes(file: TestFile): number {
  for (let end = 12; end < file.bytes.length; end += 4) {
    const stored = file.bytes.readUInt32LE(end - 4)
    if (crc32(file.bytes, 0, end - 4, blockSeed(fileSeed(7), 0)) === stored) return end
  }
  throw new Error('the table begins with no block')
}

test('merges read and write every codec, byte for byte as the simple merge, and again from what they wrote', async () => {
  const seed = testSeed(40_961)
  let [tables, bytesSaved] = [0, 0]
  for (let round = 0; round < 60; round++) {
    const random = new SeededRandom(seed + round)
    const runs = randomRuns(random)
    const runtime = createMemoryRuntime({ seed: 1 })
    await runtime.files.createDirectory('/t')
    await runtime.files.createDirectory('/reference')
    const { job } = await createMergeWorld(runtime, random, runs)
    const codec = random.pick(available)
    const limits = createLimits({ ...job.output.limits, compressedBlockBytes: random.pick([256, 4096, 65_536]), compressedValueBytesMax: random.pick([0, 500, 100_000]) }) // prettier-ignore
    const output = { ...job.output, codec, limits, isLastLevel: random.chance(0.5) }
    const merged = await performMerge(runtime, { ...job, output }, slicesOf(runtime, job))
    const expected = await referenceMerge(
      runtime,
      {
        versions: runs.flatMap((run) => run.versions),
        rangeTombstones: runs.flatMap((run) => run.rangeTombstones),
        retention: job.retention,
        older: job.older,
      },
      { ...output, directory: '/reference' },
    )
    expect(merged.tables).toEqual(expected)
    for (const { fileNumber } of expected) {
      const [ours, theirs] = await Promise.all(['/t', '/reference'].map((directory) => bytesOf(runtime, directory, fileNumber))) // prettier-ignore
      expect(ours!.equals(theirs!)).toBe(true)
    }
    // Once more, from compressed inputs to plain outputs: nothing is lost on the way.
    const inputs = [merged.tables.map((table) => ({ fileNumber: table.fileNumber, hasRangeTombstones: table.rangeTombstones > 0 }))] // prettier-ignore
    if (merged.tables.length === 0) continue
    const plain = { ...job.output, codec: 'none' as const, fileNumbers: [5000, 5001, 5002, 5003] }
    const again = await performMerge(runtime, { ...job, inputs, sharedLength: 0, output: plain }, slicesOf(runtime, job)) // prettier-ignore
    expect(again.entriesRead).toBe(merged.entriesWritten)
    expect(again.entriesWritten).toBe(merged.entriesWritten)
    tables += again.tables.length
    bytesSaved += sum(again.tables) - sum(merged.tables)
  }
  expect(tables).toBeGreaterThan(20)
  expect(bytesSaved).toBeGreaterThan(0)
})

function sum(tables: readonly { readonly fileBytes: number }[]): number {
  return tables.reduce((total, { fileBytes }) => total + fileBytes, 0)
}

function slicesOf(runtime: ReturnType<typeof createMemoryRuntime>, job: MergeJob): Slices {
  return new Slices(runtime, job.output.limits, () => undefined)
}

async function bytesOf(
  runtime: ReturnType<typeof createMemoryRuntime>,
  directory: string,
  fileNumber: number,
): Promise<Buffer> {
  const opened = await runtime.files.open(`${directory}/${tableFileName(fileNumber)}`, 'read')
  const bytes = Buffer.alloc(await opened.size())
  await opened.read(bytes, 0, bytes.length, 0)
  await opened.close()
  return bytes
}

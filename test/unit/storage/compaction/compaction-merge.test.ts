/** The merge of memtables against a model: what each retained sequence sees stays, and nothing else does. */
import { createLimits } from '../../../../src/base/limits'
import { mergeVersions, neededRangeTombstones } from '../../../../src/storage/compaction/compaction-merge'
import { createRetention } from '../../../../src/storage/compaction/compaction-retention'
import { BlockCache } from '../../../../src/storage/table/block-cache'
import { ENTRY_DELETE, ENTRY_PUT } from '../../../../src/storage/engine'
import { Memtable } from '../../../../src/storage/memtable/memtable'
import { MergingCursor } from '../../../../src/storage/table/merging-cursor'
import { Slices } from '../../../../src/storage/slices'
import type { TableFile } from '../../../../src/storage/table/table-set'
import { TableRun } from '../../../../src/storage/table/table-set'
import { TableStore } from '../../../../src/storage/table/table-store'
import { TableOutput } from '../../../../src/storage/table/table-output'
import { Lookup, LOOKUP_VALUE } from '../../../../src/storage/rows/lookup'
import { KeyHash, hashKey } from '../../../../src/storage/table/filter'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { SeededRandom, replayCommand, testSeed } from '../../../support/oracle/random'

interface Write {
  readonly sequence: number
  readonly key: string
  /** undefined deletes; an end makes it a range deletion. */
  readonly value?: string
  readonly end?: string
}

function memtableOf(writes: readonly Write[]): Memtable {
  const memtable = new Memtable()
  for (const { sequence, key, value, end } of writes) {
    if (end !== undefined) memtable.insertRange(key, end, sequence)
    else if (value === undefined) memtable.insert(ENTRY_DELETE, key, undefined, sequence)
    else memtable.insert(ENTRY_PUT, key, Buffer.from(value), sequence)
  }
  return memtable
}

interface Merged {
  readonly files: readonly TableFile[]
  readonly written: number
}

async function merge(
  sources: readonly Memtable[],
  options: { readonly live: readonly number[]; readonly published: number; readonly hasOlder: boolean },
): Promise<Merged> {
  const runtime = createMemoryRuntime({ seed: 1 })
  await runtime.files.createDirectory('/t')
  const limits = createLimits({ blockBytes: 256, tableBytesMax: 16 * 1024, mergeSliceBytes: 1024 })
  const tables = new TableStore(runtime, { directory: '/t', cache: new BlockCache({ bytesMax: 1 << 16 }), onRemoveFailed: () => undefined }) // prettier-ignore
  const inputs = {
    source: new MergingCursor(
      sources.map((source) => source.openCursor(false)),
      false,
    ),
    rangeTombstones: sources.flatMap((source) => source.rangeTombstones?.list() ?? []),
    retention: createRetention(options.live, options.published),
    olderMayHold: () => options.hasOlder,
  }
  let number = 0
  const output = new TableOutput(runtime, {
    directory: '/t',
    limits,
    allocateFileNumber: () => ++number,
    tableBytesMax: limits.tableBytesMax,
    cutKeys: [],
    rangeTombstones: neededRangeTombstones(inputs),
  })
  const { entriesWritten } = await mergeVersions(inputs, output, new Slices(runtime, limits, () => undefined))
  const files: TableFile[] = []
  for (const properties of await output.finish()) files.push(await tables.open(properties.fileNumber))
  return { files, written: entriesWritten }
}

function read({ files }: Merged, key: string, sequence: number): string | undefined {
  const hash = new KeyHash()
  hashKey(key, hash)
  const found = new Lookup()
  const run = new TableRun({ level: 1, run: 1 }, files)
  if (run.find(key)?.table.getSync(key, hash, sequence, found) !== true) return undefined
  return found.state === LOOKUP_VALUE ? found.copyValue().toString() : undefined
}

function modelRead(writes: readonly Write[], key: string, sequence: number): string | undefined {
  let value: string | undefined
  for (const write of [...writes].sort((a, b) => a.sequence - b.sequence)) {
    if (write.sequence > sequence) break
    if (write.end !== undefined ? write.key <= key && key < write.end : write.key === key) value = write.value
  }
  return value
}

describe('the merge', () => {
  test('drops overwritten versions, keeps what snapshots see, and everything above the published sequence', async () => {
    const writes = [1, 3, 5, 7, 9, 11].map((sequence) => ({ sequence, key: 'k', value: `v${sequence}` }))
    const merged = await merge([memtableOf(writes)], { live: [4], published: 8, hasOlder: true })
    expect(merged.written).toBe(4)
    expect([4, 8, 9, 11].map((sequence) => read(merged, 'k', sequence))).toEqual(['v3', 'v7', 'v9', 'v11'])
  })

  test('a tombstone goes only when nothing older can lie elsewhere and every reader sees it', async () => {
    const writes: Write[] = [{ sequence: 2, key: 'k' }]
    expect((await merge([memtableOf(writes)], { live: [], published: 5, hasOlder: true })).written).toBe(1)
    expect((await merge([memtableOf(writes)], { live: [1], published: 5, hasOlder: false })).written).toBe(1)
    expect((await merge([memtableOf(writes)], { live: [2], published: 5, hasOlder: false })).files).toEqual([])
  })

  test('a range tombstone drops what it hides, and itself by the same two rules', async () => {
    const writes: Write[] = [
      { sequence: 1, key: 'a', value: 'a' },
      { sequence: 2, key: 'b', value: 'b' },
      { sequence: 3, key: 'a', end: 'b' },
    ]
    const dropped = await merge([memtableOf(writes)], { live: [], published: 5, hasOlder: false })
    expect([dropped.written, dropped.files[0]!.properties.rangeTombstones]).toEqual([1, 0])
    const kept = await merge([memtableOf(writes)], { live: [], published: 5, hasOlder: true })
    expect([kept.written, kept.files[0]!.properties.rangeTombstones]).toEqual([1, 1])
    const seen = await merge([memtableOf(writes)], { live: [2], published: 5, hasOlder: false })
    expect([read(seen, 'a', 2), read(seen, 'a', 5), read(seen, 'b', 5)]).toEqual(['a', undefined, 'b'])
  })

  test('tables of a run are cut between keys and do not overlap, range tombstones included', async () => {
    const writes: Write[] = []
    for (let sequence = 1; sequence <= 400; sequence++) {
      writes.push({ sequence, key: `k${String(sequence % 100).padStart(3, '0')}`, value: 'x'.repeat(300) })
    }
    writes.push({ sequence: 401, key: 'k010', end: 'k090' }, { sequence: 402, key: 'a', end: 'z' })
    const live = [90, 190, 290, 390, 401]
    const merged = await merge([memtableOf(writes)], { live, published: 401, hasOlder: true })
    expect(merged.files.length).toBeGreaterThan(2)
    for (const [i, file] of merged.files.slice(1).entries()) {
      expect(merged.files[i]!.end! <= file.start).toBe(true)
    }
    for (const at of [...live, 402]) {
      for (let i = 0; i < 100; i += 7) {
        const key = `k${String(i).padStart(3, '0')}`
        expect(read(merged, key, at)).toBe(modelRead(writes, key, at))
      }
    }
  })

  test('random writes, several sources: every retained sequence reads as before', async () => {
    const seed = testSeed(271)
    const random = new SeededRandom(seed)
    for (let round = 0; round < 150; round++) {
      const count = 1 + random.below(60)
      const sources = 1 + random.below(3)
      const parts: Write[][] = Array.from({ length: sources }, () => [])
      for (let sequence = 1; sequence <= count; sequence++) {
        const key = `k${random.below(12)}`
        const end = random.chance(0.15) ? `${key}${String.fromCharCode(48 + random.below(70))}` : undefined
        const value = random.chance(0.3) ? undefined : `v${sequence}`
        const write: Write =
          end === undefined ? { sequence, key, ...(value === undefined ? {} : { value }) } : { sequence, key, end }
        parts[Math.floor(((sequence - 1) * sources) / count)]!.push(write)
      }
      const published = random.below(count + 1)
      const live = Array.from({ length: random.below(4) }, () => random.below(count + 1))
      const hasOlder = random.chance(0.5)
      const merged = await merge(parts.map(memtableOf).reverse(), { live, published, hasOlder })
      const readers = [...live, published, ...Array.from({ length: count - published }, (_, i) => published + 1 + i)]
      for (const at of readers) {
        for (let i = 0; i < 12; i++) {
          const expected = modelRead(parts.flat(), `k${i}`, at)
          if (read(merged, `k${i}`, at) === expected) continue
          throw new Error(
            `round ${round}, k${i} at ${at}; ${replayCommand(seed, 'test/unit/storage/compaction/compaction-merge')}`,
          )
        }
      }
    }
  })
})

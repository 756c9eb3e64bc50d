/**
 * What a merge costs: processor time a row, by stretches (as compactions do) and version by version, in one process, alternating.
 *
 *   npx ts-node bench/merge-rate.ts [rows]
 *
 * Rows of 20 + 100 bytes in a temporary directory; the best of some rounds, for the machine may be shared. Last, what the event
 * loop gives to the flush of as many rows when a thread encodes them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createLimits } from '../src/base/limits'
import { createNodeRuntime } from '../src/runtime/node/node-runtime'
import { BlockCache } from '../src/storage/table/block-cache'
import { mergeVersions } from '../src/storage/compaction/compaction-merge'
import { createRetention } from '../src/storage/compaction/compaction-retention'
import { ENTRY_PUT } from '../src/storage/engine'
import { Memtable } from '../src/storage/memtable/memtable'
import { openOutput, performMerge } from '../src/storage/compaction/merge-job'
import type { OutputPlan } from '../src/storage/compaction/merge-job'
import { MergingCursor } from '../src/storage/table/merging-cursor'
import { Slices } from '../src/storage/slices'
import { TableStore } from '../src/storage/table/table-store'

const rows = Number(process.argv[2] ?? 200_000)
const rounds = 7
const runtime = createNodeRuntime()
const limits = createLimits({})
const value = Buffer.alloc(100, 'v')

function plan(directory: string, firstNumber: number, tableBytesMax: number): OutputPlan {
  const fileNumbers = Array.from({ length: 1_000 }, (_, i) => firstNumber + i)
  return { directory, limits, fileNumbers, tableBytesMax, cutKeys: [] }
}

/** Writes one table per source; `sourceOf` deals the rows out. */
async function writeInputs(directory: string, sources: number, sourceOf: (row: number) => number): Promise<void> {
  const memtables = Array.from({ length: sources }, () => new Memtable())
  for (let row = 0; row < rows; row++) {
    memtables[sourceOf(row)]!.insert(ENTRY_PUT, `user${String(row * 7919).padStart(16, '0')}`, value, row + 1)
  }
  for (const [i, memtable] of memtables.entries()) {
    const output = openOutput(runtime, plan(directory, i + 1, Infinity), [])
    const rules = { rangeTombstones: [], retention: createRetention([], rows), olderMayHold: () => true }
    await mergeVersions({ ...rules, source: memtable.openCursor(false) }, output, newSlices())
    await output.finish()
  }
}

function newSlices(): Slices {
  return new Slices(runtime, limits, () => undefined)
}

async function processorNs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1_000) / rows
}

async function measure(name: string, sources: number, sourceOf: (row: number) => number): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'strictkv-merge-'))
  await writeInputs(directory, sources, sourceOf)
  const numbers = Array.from({ length: sources }, (_, i) => i + 1)
  const rules = { rangeTombstones: [], retention: createRetention([], rows), olderMayHold: () => true }
  const [stretches, versions]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    const inputs = numbers.map((fileNumber) => [{ fileNumber, hasRangeTombstones: false }])
    const first = 10_000 * (2 * round + 1)
    const output = plan(directory, first, 2 << 20)
    stretches.push(
      await processorNs(() =>
        performMerge(runtime, { ...rules, inputs, sharedLength: 0, older: [], output }, newSlices()),
      ),
    )
    const cache = new BlockCache({ bytesMax: 1 << 20 })
    const store = new TableStore(runtime, { directory, cache, onRemoveFailed: () => undefined })
    const files = await Promise.all(numbers.map((number) => store.open(number)))
    const source = new MergingCursor(files.map(({ table }) => table.openCursor({ reverse: false, bulk: true })), false) // prettier-ignore
    const simple = openOutput(runtime, plan(directory, first + 10_000, 2 << 20), [])
    versions.push(
      await processorNs(async () => {
        await mergeVersions({ ...rules, source }, simple, newSlices())
        await simple.finish()
      }),
    )
    source.close()
    for (const { table } of files) table.unpin()
  }
  const best = (list: readonly number[]): string => Math.min(...list).toFixed(0)
  console.log(`${name}: ${best(stretches)} ns a row by stretches, ${best(versions)} version by version`)
  rmSync(directory, { recursive: true })
}

async function main(): Promise<void> {
  await measure('4 sources, row by row', 4, (row) => Math.imul(row, 0x9e3779b1) >>> 30)
  await measure('2 sources, 1 row in 5', 2, (row) => ((Math.imul(row, 0x9e3779b1) >>> 16) % 5 === 0 ? 0 : 1))
  await measure('2 sources, stretches of 3000', 2, (row) => Math.floor(row / 3_000) % 2)
  const memtable = new Memtable()
  for (let row = 0; row < rows; row++)
    memtable.insert(ENTRY_PUT, `user${String(row).padStart(16, '0')}`, value, row + 1)
  const ns = await processorNs(async () => {
    let behind: string | undefined
    for (let count = -1; count !== 0;) {
      const { places, lastKey } = memtable.placesBehind(behind, 4_096)
      behind = lastKey
      count = places.length
    }
  })
  console.log(`handing a flush to the thread: ${ns.toFixed(0)} ns a row`)
}

void main()

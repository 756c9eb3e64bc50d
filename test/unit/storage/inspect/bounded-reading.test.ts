/**
 * Looking at a larger database takes no more memory than looking at a small one: no read asks for more bytes at once, and a list is no
 * further than a window ahead of what it has handed out. Counted, not measured: bytes of the calls that reach the disk.
 */
import { readHistory } from '../../../../src/storage/inspect/history'
import { inspectTable } from '../../../../src/storage/inspect/table'
import { inspectTree } from '../../../../src/storage/inspect/tree'
import { inspectWal } from '../../../../src/storage/inspect/wal'
import { verifyStore } from '../../../../src/storage/inspect/verify-store'
import type { DurableImage } from '../../../support/memory-runtime/durable-image'
import type { IoCall } from '../../../support/memory-runtime/io-calls'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { DIRECTORY, openWorld, pathOf, put, reboot } from './inspect-world'

const KiB = 1024
/** What is read at once of a file that is read from front to back: of a table, the manifest and the rest, and of the log. */
const WINDOW_BYTES = 256 * KiB
const LOG_WINDOW_BYTES = 1024 * KiB
const ROWS_EACH = 500
const ROWS_SMALL = 2_500
const ROWS_LARGE = 50_000

/** A table of so many rows, in small blocks, and half as many again in the log. */
async function storeOf(rows: number): Promise<DurableImage> {
  const limits = {
    blockBytes: 512,
    memtableBytesMax: 64 * KiB * KiB,
    manifestRoomBytes: 32 * KiB,
    walBytesMax: 64 * KiB * KiB,
    segmentBytesMin: 4 * LOG_WINDOW_BYTES,
    segmentBytesMax: 4 * LOG_WINDOW_BYTES,
  }
  const world = await openWorld({ limits })
  const batch = (from: number): ReturnType<typeof put>[] =>
    Array.from({ length: ROWS_EACH }, (_, i) => put(`key ${String(from + i).padStart(8, '0')}`, 'v'.repeat(20)))
  for (let from = 0; from < rows; from += ROWS_EACH) await world.commit(...batch(from))
  await world.engine.flush()
  for (let from = 0; from < rows / 2; from += ROWS_EACH) await world.commit(...batch(from))
  return world.image()
}

let [small, large]: (DurableImage | undefined)[] = []
beforeAll(async () => {
  small = await storeOf(ROWS_SMALL)
  large = await storeOf(ROWS_LARGE)
})

/** The reads among these calls, and the bytes that each has asked for. */
function readsOf(calls: readonly IoCall[]): { readonly path: string; readonly length: number }[] {
  return calls.flatMap(({ operation, path, length = 0 }) => (operation.startsWith('read') ? [{ path, length }] : []))
}

async function consume(items: AsyncIterator<unknown>): Promise<void> {
  while ((await items.next()).done !== true);
}

const tableOf = (image: DurableImage): number => Number(/(\d+)\.table$/.exec(pathOf(image, '.table'))![1])

test('the larger database is so large that a file which is read as a whole would be noticed', () => {
  expect(large!.files.get(pathOf(large!, '.table'))!.length).toBeGreaterThan(4 * WINDOW_BYTES)
  const segments = [...large!.files].filter(([path]) => path.endsWith('.log')).map(([, bytes]) => bytes)
  expect(segments.map(({ length }) => length)).toEqual(segments.map(() => 4 * LOG_WINDOW_BYTES))
  expect(segments.some((bytes) => bytes.subarray(LOG_WINDOW_BYTES).some((byte) => byte !== 0))).toBe(true)
})

test.each<[string, (runtime: MemoryRuntime, table: number) => Promise<unknown>]>([
  ['verify', (runtime) => verifyStore(runtime, DIRECTORY)],
  ['inspect table', (runtime, number) => consume(inspectTable(runtime, DIRECTORY, { number, rows: true }))],
  ['inspect wal', (runtime) => consume(inspectWal(runtime, DIRECTORY, { entries: true }))],
  ['inspect tree', (runtime) => inspectTree(runtime, DIRECTORY)],
  ['history', (runtime) => readHistory(runtime, DIRECTORY, 'key 00001234')],
])('%s asks for no more than a window at once, however many rows there are', async (_, look) => {
  for (const image of [small!, large!]) {
    const runtime = reboot(image)
    await look(runtime, tableOf(image))
    const reads = readsOf(runtime.calls)
    expect(reads.length).toBeGreaterThan(0)
    const isLarger = ({ path, length }: (typeof reads)[number]): boolean =>
      length > (path.endsWith('.log') ? LOG_WINDOW_BYTES : WINDOW_BYTES)
    expect(reads.filter(isLarger)).toEqual([])
  }
})

test('a list of blocks is no further than a window ahead of what it has handed out', async () => {
  const runtime = reboot(large!)
  let [before, blocks, furthest] = [0, 0, 0]
  for await (const item of inspectTable(runtime, DIRECTORY, { number: tableOf(large!) })) {
    const bytes = readsOf(runtime.calls.slice(before)).reduce((sum, { length }) => sum + length, 0)
    before = runtime.calls.length
    if (item.kind !== 'block') continue
    if (blocks++ > 0) furthest = Math.max(furthest, bytes)
  }
  expect(blocks).toBeGreaterThan(2_000)
  expect(furthest).toBeLessThanOrEqual(WINDOW_BYTES)
})

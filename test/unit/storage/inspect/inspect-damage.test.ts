/**
 * Looks inside hostile files: cut at every length, with random bits flipped, with garbage in their place. Each look ends, in bounded
 * time and memory, with items or a typed error; and it changes no byte.
 */
import { StrictKvError } from '../../../../src/base/errors'
import { readHistory } from '../../../../src/storage/inspect/history'
import { inspectManifest } from '../../../../src/storage/inspect/manifest'
import { inspectTable } from '../../../../src/storage/inspect/table'
import { readTableModel } from '../../../../src/storage/inspect/table-model'
import { inspectTree } from '../../../../src/storage/inspect/tree'
import { inspectWal } from '../../../../src/storage/inspect/wal'
import { createRandomStream } from '../../../support/memory-runtime/random-stream'
import type { DurableImage } from '../../../support/memory-runtime/durable-image'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { replayCommand, testSeed } from '../../../support/oracle/random'
import { changed, DIRECTORY, openWorld, put, reboot, remove, removeRange } from './inspect-world'

/** Items of one look at most: more would be an endless loop. */
const ITEMS_MAX = 20_000
const ROUNDS = 40

/** A small store with a table, a log behind it, and a model in the table. */
async function smallStore(): Promise<DurableImage> {
  const world = await openWorld({ indexMode: 'resident', limits: { segmentBytesMin: 16 * 1024, segmentBytesMax: 16 * 1024, transactionBytesMax: 4096, memtableBytesMax: 1 << 17, manifestRoomBytes: 32 * 1024 } }) // prettier-ignore
  await world.commit(...Array.from({ length: 30 }, (_, i) => put(`key ${i + 10}`, `value ${i}`)))
  await world.engine.flush()
  await world.commit(put('key 20', 'new'), remove('key 21'), removeRange('key 30', 'key 32'))
  await world.commit(put('key 20', 'newer'))
  return world.image()
}

async function count(items: AsyncIterable<unknown>): Promise<number> {
  let seen = 0
  for await (const item of items) {
    expect(item).toBeDefined()
    if (++seen > ITEMS_MAX) throw new Error('a look does not end')
  }
  return seen
}

type Look = (runtime: MemoryRuntime, table: number) => Promise<unknown>

const lookAtLog: Look = (runtime) => count(inspectWal(runtime, DIRECTORY, { entries: true }))
const lookAtManifest: Look = (runtime) => count(inspectManifest(runtime, DIRECTORY))
const lookAtTable: Look = (runtime, number) => count(inspectTable(runtime, DIRECTORY, { number, rows: true }))
const lookAtModel: Look = (runtime, number) => readTableModel(runtime, DIRECTORY, { number, pointsMax: 100 })
const lookAtTree: Look = (runtime) => inspectTree(runtime, DIRECTORY)
const lookAtKey: Look = (runtime) => readHistory(runtime, DIRECTORY, 'key 20')
const ALL = [lookAtLog, lookAtManifest, lookAtTable, lookAtModel, lookAtTree, lookAtKey]

/** Looks at the store; each gives something, or a typed error. The bytes are as they were. */
async function lookAt(image: DurableImage, number: number, looks: readonly Look[] = ALL): Promise<void> {
  const runtime = reboot(image)
  for (const look of looks) {
    await look(runtime, number).catch((error: unknown) => {
      if (!(error instanceof StrictKvError)) throw error
    })
  }
  const after = runtime.durableImage('everything')
  expect([...after.files.keys()].sort()).toEqual([...image.files.keys()].sort())
  for (const [path, bytes] of image.files) {
    if (Buffer.compare(after.files.get(path)!, bytes) !== 0) throw new Error(`${path} was changed by looking at it`)
  }
}

const tableNumber = (image: DurableImage): number => {
  const path = [...image.files.keys()].find((name) => name.endsWith('.table'))!
  return Number(/(\d{10})\.table$/.exec(path)![1])
}

test('a whole store is looked at without damage', async () => {
  const image = await smallStore()
  const runtime = reboot(image)
  const { damages } = await inspectTree(runtime, DIRECTORY)
  expect(damages).toEqual([])
  expect((await readHistory(runtime, DIRECTORY, 'key 20')).damages).toEqual([])
  await lookAt(image, tableNumber(image))
})

test.each<[ending: string, lengths: (length: number) => readonly number[], looks: readonly Look[]]>([
  ['.table', (length) => upTo(length).filter((at) => at % 7 === 0 || at > length - 220), [lookAtTable, lookAtModel]],
  ['.table', (length) => upTo(length).filter((at) => at % 97 === 0), [lookAtTree, lookAtKey]],
  ['.manifest', (length) => upTo(length).filter((at) => at < 40 || at % 512 < 2), [lookAtManifest]],
  ['.manifest', (length) => upTo(length).filter((at) => at % 4096 < 2), ALL],
  ['1.log', (length) => upTo(length).filter((at) => at % 512 < 2), [lookAtLog, lookAtKey]],
  ['CURRENT', upTo, [lookAtManifest, lookAtTree]],
])('a file ending in %s may be cut anywhere', async (ending, lengths, looks) => {
  const image = await smallStore()
  const number = tableNumber(image)
  const path = [...image.files.keys()].find((name) => name.endsWith(ending))!
  for (const at of lengths(image.files.get(path)!.length)) {
    await lookAt(changed(image, path, (bytes) => bytes.subarray(0, at)), number, looks) // prettier-ignore
  }
})

function upTo(length: number): readonly number[] {
  return Array.from({ length }, (_, at) => at)
}

test('bits may be flipped anywhere, and stretches be zeros or garbage', async () => {
  const seed = testSeed(20260)
  console.log(replayCommand(seed, 'test/unit/storage/inspect/inspect-damage.test.ts'))
  const random = createRandomStream(seed, 'inspect damage')
  const image = await smallStore()
  const number = tableNumber(image)
  const paths = [...image.files.keys()].filter((path) => !path.endsWith('LOCK'))
  for (let round = 0; round < ROUNDS; round++) {
    const path = paths[random.u32() % paths.length]!
    const hurt = changed(image, path, (bytes) => {
      const at = random.u32() % bytes.length
      const to = Math.min(bytes.length, at + 1 + (random.u32() % 3000))
      const kind = round % 4
      if (kind < 2) bytes[at]! ^= 1 << (random.u32() % 8)
      else if (kind === 2) bytes.fill(0, at, to)
      else for (let i = at; i < to; i++) bytes[i] = random.u32()
      return bytes
    })
    await lookAt(hurt, number)
  }
})

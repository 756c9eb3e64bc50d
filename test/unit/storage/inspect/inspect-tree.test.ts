/** A look at the tree of tables: levels, runs and bounds of a store with known contents, what lies under what, what is missing. */
import { inspectTree } from '../../../../src/storage/inspect/tree'
import type { TreeReport } from '../../../../src/storage/inspect/tree'
import type { DurableImage } from '../../../support/memory-runtime/durable-image'
import { changed, DIRECTORY, flip, openWorld, pathOf, put, reboot, text } from './inspect-world'

const look = (image: DurableImage): Promise<TreeReport> => inspectTree(reboot(image), DIRECTORY)

/** Tables of the last level under two of level 0 that overlap, and one that overlaps neither. */
async function layered(): Promise<DurableImage> {
  const world = await openWorld({ limits: { tableBytesMin: 4096, tableBytesMax: 4096 } })
  for (let i = 0; i < 60; i++) await world.commit(put(`k${String(i).padStart(2, '0')}`, Buffer.alloc(300, 'v')))
  await world.engine.compact()
  await world.commit(put('k00', 'a'), put('k05', 'a'))
  await world.engine.flush()
  await world.commit(put('k03', 'b'), put('z', 'b'))
  await world.engine.flush()
  await world.commit(put('a', 'c'), put('b', 'c'))
  await world.engine.flush()
  return world.image()
}

test('levels, runs and tables of a store are those that its contents make', async () => {
  const image = await layered()
  const report = await look(image)
  expect(report.store).toMatchObject({ directory: DIRECTORY, isInUse: false })
  expect(report.damages).toEqual([])
  expect(report.flushedThrough).toBe(63)
  const [zero, last] = report.levels
  expect(report.levels).toHaveLength(2)
  expect(zero).toMatchObject({ level: 0, tables: 3, entries: 6 })
  // The two that overlap are two runs, the newer first; the third shares a run with whichever it does not touch.
  const starts = zero!.runs.map(({ tables }) => tables.map(({ start, end }) => [text(start), text(end)]))
  expect(starts).toEqual([[['k03', 'z\0']], [['a', 'b\0'], ['k00', 'k05\0']]]) // prettier-ignore
  expect(last!.runs).toHaveLength(1)
  expect(last).toMatchObject({ entries: 60 })
  expect(last!.tables).toBeGreaterThan(3)
  expect(report.entries).toBe(66)
  expect(report.tables).toBe(3 + last!.tables)
  const bytes = [...image.files].filter(([path]) => path.endsWith('.table')).reduce((sum, [, file]) => sum + file.length, 0) // prettier-ignore
  expect(report.bytes).toBe(bytes)
})

test('what lies under a table is counted', async () => {
  const report = await look(await layered())
  const [zero, last] = report.levels
  const all = last!.runs.flatMap(({ tables }) => tables)
  const byStart = new Map(zero!.runs.flatMap(({ tables }) => tables).map((table) => [text(table.start), table]))
  expect(byStart.get('a')).toMatchObject({ tablesBelow: 0, bytesBelow: 0 })
  const under = all.filter(({ start }) => text(start)! < 'k05\0')
  expect(byStart.get('k00')).toMatchObject({
    tablesBelow: under.length,
    bytesBelow: under.reduce((sum, { bytes }) => sum + bytes, 0),
  })
  expect(byStart.get('k03')!.tablesBelow).toBe(all.filter(({ end }) => text(end)! > 'k03').length)
  for (const table of all) expect(table.tablesBelow).toBe(0)
})

test('a table file that is missing or cut is named; a manifest that cannot be read leaves no levels', async () => {
  const image = await layered()
  const tables = [...image.files.keys()].filter((path) => path.endsWith('.table'))
  const [gone, cut] = [tables[0]!, tables[1]!]
  const hurt = changed(
    changed(image, gone, () => undefined),
    cut,
    (bytes) => bytes.subarray(0, 100),
  )
  const { damages, levels } = await look(hurt)
  expect(new Map(damages.map(({ file, offset }) => [file, offset]))).toEqual(new Map([[gone, 0], [cut, 100]])) // prettier-ignore
  expect(levels).toHaveLength(2)
  const lost = await look(changed(image, pathOf(image, '.manifest'), flip(4100)))
  expect(lost).toMatchObject({ levels: [], tables: 0, flushedThrough: undefined })
  expect(lost.damages).toHaveLength(1)
})

test('an empty store has no levels', async () => {
  const world = await openWorld()
  expect(await inspectTree(world.runtime, DIRECTORY)).toMatchObject({
    store: { isInUse: true },
    levels: [],
    damages: [],
  })
})

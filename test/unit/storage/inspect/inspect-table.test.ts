/** A look inside one table: its parts, blocks and rows, and what its filter and its learned index really do. */
import { InvalidArgumentError } from '../../../../src/base/errors'
import { inspectTable } from '../../../../src/storage/inspect/table'
import type { TableLookItem } from '../../../../src/storage/inspect/table-items'
import { readTableModel } from '../../../../src/storage/inspect/table-model'
import type { DurableImage } from '../../../support/memory-runtime/durable-image'
import { changed, DIRECTORY, flip, listed, ofKind, openWorld, pathOf, put, reboot, remove, removeRange, text } from './inspect-world' // prettier-ignore

const look = (image: DurableImage, number: number, rows = false): Promise<TableLookItem[]> =>
  listed(inspectTable(reboot(image), DIRECTORY, { number, rows }))

const numberOf = (path: string): number => Number(/(\d{10})\.table$/.exec(path)![1])

/** Two tables: in the newer one 40 keys, one of them deleted, a large value, a range deletion; in the older one what these delete. */
async function twoTables(
  codec?: 'deflate',
): Promise<{ readonly image: DurableImage; readonly path: string; readonly number: number }> {
  const world = await openWorld(codec === undefined ? {} : { codec })
  await world.commit(put('key-000007', 'old'), put('x5', 'old'))
  await world.engine.flush()
  for (let i = 0; i < 40; i++) await world.commit(put(`key-${String(i).padStart(6, '0')}`, `value ${i}`.repeat(4)))
  await world.commit(remove('key-000007'), removeRange('x', 'y'), put('large', Buffer.alloc(3000, 'v')))
  await world.engine.flush()
  const image = world.image()
  const path = [...image.files.keys()].filter((name) => name.endsWith('.table')).sort().at(-1)! // prettier-ignore
  return { image, path, number: numberOf(path) }
}

test('parts, counts and blocks are those of the contents', async () => {
  const { image, path, number } = await twoTables()
  const items = await look(image, number)
  expect(ofKind(items, 'damage')).toEqual([])
  expect(ofKind(items, 'table')).toMatchObject([{ file: path, fileBytes: image.files.get(path)!.length, level: 0, run: 2, loadedAt: undefined }]) // prettier-ignore
  expect(ofKind(items, 'section').map(({ name }) => name)).toEqual(['index pages', 'index root', 'filter', 'range tombstones', 'properties']) // prettier-ignore
  const [properties] = ofKind(items, 'properties')
  expect(properties).toMatchObject({ entries: 41, keys: 41, tombstones: 1, rangeTombstones: 1, firstSequence: 2, lastSequence: 42 }) // prettier-ignore
  expect([text(properties!.firstKey), text(properties!.lastKey), text(properties!.start), text(properties!.end)]).toEqual(['key-000000', 'large', 'key-000000', 'y']) // prettier-ignore
  const blocks = ofKind(items, 'block')
  expect(blocks).toHaveLength(properties!.dataBlocks)
  expect(blocks.map(({ ordinal }) => ordinal)).toEqual(blocks.map((_, i) => i))
  // Blocks fill the file from its start to the index, one behind the other.
  let end = 0
  for (const block of blocks) {
    expect(block.offset).toBe(end)
    end += block.blockBytes
  }
  expect(end).toBe(ofKind(items, 'section')[0]!.offset)
  expect(blocks.at(-1)).toMatchObject({ type: 'large value', rows: 1, codec: 'none' })
  expect(blocks.reduce((sum, { rows }) => sum + rows, 0)).toBe(41)
  expect(ofKind(items, 'row')).toEqual([])
  expect(items.at(-1)).toEqual({ kind: 'end', blocks: blocks.length, rows: 41, damages: 0 })
})

test('rows and range tombstones are listed where that is asked for', async () => {
  const { image, number } = await twoTables()
  const items = await look(image, number, true)
  const rows = ofKind(items, 'row').map(({ key, sequence, entry, valueBytes }) => [text(key), sequence, entry, valueBytes]) // prettier-ignore
  expect(rows).toHaveLength(41)
  expect(rows[0]).toEqual(['key-000000', 2, 'put', 28])
  expect(rows.find(([key]) => key === 'key-000007')).toEqual(['key-000007', 42, 'delete', undefined])
  expect(rows.at(-1)).toEqual(['large', 42, 'put', 3000])
  expect(ofKind(items, 'range tombstone').map(({ sequence, start, end }) => [sequence, text(start), text(end)])).toEqual([[42, 'x', 'y']]) // prettier-ignore
})

test('compressed blocks say how they are stored', async () => {
  const { image, number } = await twoTables('deflate')
  const codecs = ofKind(await look(image, number), 'block').map(({ codec }) => codec)
  expect(new Set(codecs)).toContain('deflate')
})

test('a filter lets through about as many absent keys as it was made for', async () => {
  const { image, number } = await twoTables()
  const [filter] = ofKind(await look(image, number), 'filter')
  expect(filter).toMatchObject({ keys: 41 })
  expect(filter!.bitsPerKey).toBeCloseTo((8 * filter!.filterBytes) / 41, 10)
  expect(filter!.measuredRate).toBeGreaterThan(0)
  // A filter of 41 keys is one of very few lines: where its keys fall moves its rate by more than chance over the asked keys does.
  expect(filter!.measuredRate).toBeLessThan(3 * filter!.designRate)
})

/** Enough blocks that a model pays, with numbers as keys. */
async function modelled(
  indexMode: 'resident' | 'binary',
): Promise<{ readonly image: DurableImage; readonly number: number }> {
  const world = await openWorld({ indexMode, limits: { memtableBytesMax: 1 << 20 } })
  for (let i = 0; i < 2000; i += 100) {
    const batch = Array.from({ length: 100 }, (_, j) =>
      put(String(1000000 + 7 * (i + j)), 'value of forty characters or a few less'),
    )
    await world.commit(...batch)
  }
  await world.engine.flush()
  const image = world.image()
  return { image, number: numberOf(pathOf(image, '.table')) }
}

test('a model is measured at every separator, and keeps what it states', async () => {
  const { image, number } = await modelled('resident')
  const items = await look(image, number)
  const [index] = ofKind(items, 'index')
  const [model] = ofKind(items, 'model')
  expect(index).toMatchObject({ blocks: ofKind(items, 'block').length, autoMode: 'resident' })
  expect(text(index!.sharedPrefix)).toBe('10')
  expect(model!.beyondStated).toBe(0)
  expect(model!.largestError).toBeLessThanOrEqual(model!.fittedError + 1)
  expect(model!.meanError).toBeLessThanOrEqual(model!.largestError)
  expect(model!.segmentsByLevel.at(-1)).toBe(1)
})

test('a model is read to be drawn: points for the distinct separators, lines for the segments', async () => {
  const { image, number } = await modelled('resident')
  const model = await readTableModel(reboot(image), DIRECTORY, { number, pointsMax: 1_000_000 })
  expect(model.isStored).toBe(true)
  expect(model.points).toHaveLength(model.blocks)
  expect(model.lines).toHaveLength(model.segmentsByLevel[0]!)
  expect(Math.max(...model.points.map(({ error }) => Math.abs(error)))).toBe(model.measures.largestError)
  for (const { from, to } of model.lines) expect(to.position).toBeGreaterThanOrEqual(from.position)
  const few = await readTableModel(reboot(image), DIRECTORY, { number, pointsMax: 10 })
  expect(few.points.length).toBeLessThanOrEqual(10)
})

test('where a table has no model one is fitted for the drawing, and the list says that there is none', async () => {
  const { image, number } = await modelled('binary')
  const items = await look(image, number)
  expect(ofKind(items, 'model')).toEqual([])
  expect(ofKind(items, 'index')).toMatchObject([{ autoMode: 'binary' }])
  expect(await readTableModel(reboot(image), DIRECTORY, { number, pointsMax: 10 })).toMatchObject({ isStored: false })
})

test('rows of a bulk load show the sequence that the manifest gives them', async () => {
  const world = await openWorld()
  await world.commit(put('z', '1'))
  const load = world.engine.beginLoad()
  for (const key of ['a', 'b', 'c']) await load.add(key, Buffer.from('v'))
  await load.commit({ enter: async () => undefined, leave: () => undefined, decide: (_, accept) => accept() })
  const image = world.image()
  const items = await look(image, numberOf(pathOf(image, '.table')), true)
  expect(ofKind(items, 'table')).toMatchObject([{ loadedAt: 2 }])
  expect(ofKind(items, 'row').map(({ sequence }) => sequence)).toEqual([2, 2, 2])
  const path = pathOf(image, '.table')
  const cut = changed(image, path, (bytes) => bytes.subarray(0, bytes.length - 1))
  expect(ofKind(await look(cut, numberOf(path), true), 'row')).toEqual(ofKind(items, 'row'))
})

test('each damaged part is named, and the others are listed', async () => {
  const { image, path, number } = await twoTables()
  const whole = await look(image, number)
  const blocks = ofKind(whole, 'block')
  for (const { name, offset } of ofKind(whole, 'section')) {
    const items = await look(changed(image, path, flip(offset + 1)), number)
    expect([name, ofKind(items, 'damage').map((damage) => damage.offset)]).toEqual([name, [offset]])
    // Without an index blocks are found all the same, but not which they are.
    const isIndex = name.startsWith('index')
    const found = blocks.map((block) => ({ ...block, ordinal: isIndex ? undefined : block.ordinal }))
    expect([name, ofKind(items, 'block')]).toEqual([name, found])
    expect(items.at(-1)).toMatchObject({ kind: 'end', damages: 1 })
  }
  const hurt = await look(changed(image, path, flip(blocks[2]!.offset + 20)), number)
  expect(ofKind(hurt, 'damage').map(({ offset }) => offset)).toEqual([blocks[2]!.offset])
  expect(ofKind(hurt, 'block').map(({ ordinal }) => ordinal)).toEqual(blocks.map((_, i) => i).filter((i) => i !== 2))
})

test('blocks found without an index: what lies between two of them, or behind the last one, is named', async () => {
  const { image, path, number } = await twoTables()
  const whole = await look(image, number)
  const blocks = ofKind(whole, 'block')
  const root = ofKind(whole, 'section').find(({ name }) => name === 'index root')!
  const headless = changed(image, path, flip(root.offset + 1))
  for (const lost of [0, 2, blocks.length - 1]) {
    const { offset, blockBytes } = blocks[lost]!
    const items = await look(changed(headless, path, flip(offset + 20)), number)
    const what = `no block there verifies, up to byte ${offset + blockBytes}`
    expect(ofKind(items, 'damage')).toMatchObject([{ offset: root.offset }, { file: path, offset, what }])
    expect(ofKind(items, 'block').map((block) => block.offset)).toEqual(
      blocks.filter((_, i) => i !== lost).map((block) => block.offset),
    )
    expect(items.at(-1)).toMatchObject({ kind: 'end', blocks: blocks.length - 1, damages: 2 })
  }
})

test('a damaged page of the index hides nothing: its blocks are found, in their place among the others', async () => {
  const world = await openWorld({
    limits: { blockBytes: 256, memtableBytesMax: 1 << 20, transactionBytesMax: 1 << 18 },
  })
  const rows = Array.from({ length: 2500 }, (_, i) => put(`key-${String(i).padStart(6, '0')}`, 'v'.repeat(60)))
  await world.commit(...rows)
  await world.engine.flush()
  const image = world.image()
  const [path] = [...image.files.keys()].filter((file) => file.endsWith('.table'))
  const number = Number(/(\d+)\.table$/.exec(path!)![1])
  const whole = await look(image, number, true)
  const [index] = ofKind(whole, 'index')
  expect(index!.pages).toBeGreaterThan(2)
  const pages = ofKind(whole, 'section').find(({ name }) => name === 'index pages')!
  for (const at of [
    pages.offset + 8,
    pages.offset + Math.floor(pages.sectionBytes / 2),
    pages.offset + pages.sectionBytes - 20,
  ]) {
    const items = await look(changed(image, path!, flip(at)), number, true)
    expect(ofKind(items, 'damage')).toHaveLength(1)
    expect(ofKind(items, 'row')).toEqual(ofKind(whole, 'row'))
    expect(ofKind(items, 'block').map(({ offset }) => offset)).toEqual(
      ofKind(whole, 'block').map(({ offset }) => offset),
    )
    const nameless = ofKind(items, 'block').filter(({ ordinal }) => ordinal === undefined).length
    expect(nameless).toBeGreaterThan(0)
    expect(nameless).toBeLessThan(index!.blocks)
    expect(items.at(-1)).toEqual({ ...whole.at(-1), damages: 1 })
  }
})

test('a table without its footer, and one that is not there, are said so', async () => {
  const { image, path, number } = await twoTables()
  const items = await look(
    changed(image, path, (bytes) => bytes.subarray(0, bytes.length - 1)),
    number,
  )
  expect(ofKind(items, 'damage')).toHaveLength(1)
  const blocks = ofKind(await look(image, number), 'block')
  expect(ofKind(items, 'block')).toEqual(blocks.map((block) => ({ ...block, ordinal: undefined })))
  expect(items.at(-1)).toMatchObject({ kind: 'end', blocks: blocks.length, damages: 1 })
  await expect(look(image, 4711)).rejects.toThrow(InvalidArgumentError)
  await expect(readTableModel(reboot(image), DIRECTORY, { number: 4711, pointsMax: 5 })).rejects.toThrow(InvalidArgumentError) // prettier-ignore
})

/** A look inside the manifest: edits one by one, the state that they lead to, where it ends, and what damage looks like. */
import { InvalidArgumentError } from '../../../../src/base/errors'
import { inspectManifest } from '../../../../src/storage/inspect/manifest'
import type { ManifestItem } from '../../../../src/storage/inspect/manifest'
import { MANIFEST_BOUNDARY_BYTES } from '../../../../src/storage/manifest/manifest-format'
import { readManifest } from '../../../../src/storage/manifest/manifest-reader'
import type { DurableImage } from '../../../support/memory-runtime/durable-image'
import { changed, DIRECTORY, flip, listed, ofKind, openWorld, pathOf, put, reboot, text } from './inspect-world'

const look = (image: DurableImage, number?: number): Promise<ManifestItem[]> =>
  listed(inspectManifest(reboot(image), DIRECTORY, { number }))

/** Two flushes, and a merge of what they wrote. */
async function flushedTwice(): Promise<DurableImage> {
  const world = await openWorld()
  await world.commit(put('a', '1'), put('m', '2'))
  await world.engine.flush()
  await world.commit(put('b', '3'))
  await world.engine.flush()
  await world.engine.compact()
  return world.image()
}

test('edits are listed one by one, seals between them, and come to the state that opening finds', async () => {
  const image = await flushedTwice()
  const path = pathOf(image, '.manifest')
  const items = await look(image)
  expect(items[0]).toMatchObject({ kind: 'store', manifest: '0000000001.manifest', isInUse: false })
  expect(items[1]).toEqual({ kind: 'header', file: path, number: 1, formatVersion: 1, fileBytes: image.files.get(path)!.length }) // prettier-ignore
  const records = ofKind(items, 'record')
  expect(records.map(({ ordinal }) => ordinal)).toEqual(records.map((_, i) => i))
  expect(records.map(({ isSeal }) => isSeal)).toEqual(records.map((_, i) => i % 2 === 1))
  const [first, , segment, , flushed] = records
  expect(first).toMatchObject({ offset: MANIFEST_BOUNDARY_BYTES, edit: { comparator: 'bytes', flushedThrough: 0 } })
  expect(segment!.edit).toMatchObject({ addSegments: [1], addTables: [], comparator: undefined })
  expect(flushed!.edit.addTables.map(({ level, entries, start, end }) => [level, entries, text(start), text(end)])).toEqual([[0, 2, 'a', 'm\0']]) // prettier-ignore
  const merge = records.find(({ edit }) => edit.removeTables.length > 0)!
  expect(merge.edit.removeTables).toHaveLength(2)

  const { state } = (await readManifest(reboot(image), DIRECTORY))!
  const [found] = ofKind(items, 'state')
  expect(found).toMatchObject({
    flushedThrough: state.flushedThrough,
    nextFileNumber: state.nextFileNumber,
    segments: state.segments,
  })
  expect(found!.tables.map(({ number, entries }) => [number, entries])).toEqual(state.tables.map(({ number, entries }) => [number, entries])) // prettier-ignore
  expect(items.at(-1)).toMatchObject({ kind: 'end', verdict: 'whole', records: records.length })
})

test('an edit that was left unfinished is torn; one that was sealed is damage, and what follows is still listed', async () => {
  const image = await flushedTwice()
  const path = pathOf(image, '.manifest')
  const whole = ofKind(await look(image), 'record')
  const last = whole.filter(({ isSeal }) => !isSeal).at(-1)!
  const torn = await look(
    changed(image, path, (bytes) => {
      // The seal never came to the disk, nor all of the edit.
      bytes.fill(0, last.offset + last.recordBytes)
      return flip(last.offset + 40)(bytes)
    }),
  )
  expect(ofKind(torn, 'damage')).toEqual([])
  expect(torn.at(-1)).toMatchObject({ verdict: 'torn', records: last.ordinal, offset: last.offset })

  const hurt = whole[2]!
  const damaged = await look(changed(image, path, flip(hurt.offset + 30)))
  expect(ofKind(damaged, 'record').map(({ ordinal }) => ordinal)).toEqual(
    whole.map(({ ordinal }) => ordinal).filter((ordinal) => ordinal !== hurt.ordinal),
  )
  expect(ofKind(damaged, 'damage').map(({ file, offset }) => [file, offset])).toEqual([[path, hurt.offset], [path, hurt.offset + 4096]]) // prettier-ignore
  // The state is that of before the damage: no table was added yet.
  expect(ofKind(damaged, 'state')[0]!.tables).toEqual([])
  expect(damaged.at(-1)).toMatchObject({ verdict: 'damaged' })
})

test('a damaged header does not hide the records; a header of another version does', async () => {
  const image = await flushedTwice()
  const path = pathOf(image, '.manifest')
  const damaged = await look(changed(image, path, flip(9)))
  expect(ofKind(damaged, 'header')).toEqual([])
  expect(ofKind(damaged, 'record').length).toBeGreaterThan(3)
  expect(damaged.at(-1)).toMatchObject({ verdict: 'damaged' })
  const cut = await look(changed(image, path, (bytes) => bytes.subarray(0, 9000)))
  expect(ofKind(cut, 'record')).toHaveLength(2)
  expect(ofKind(cut, 'damage').at(-1)!.what).toContain('9000 bytes of')
})

test('without CURRENT the newest manifest is looked at, and any other by its number', async () => {
  const image = await flushedTwice()
  const path = pathOf(image, '.manifest')
  const older = path.replace('0000000001.manifest', '0000000009.manifest')
  const files = new Map([...image.files, [older, image.files.get(path)!]])
  const lost = changed({ ...image, files }, pathOf(image, 'CURRENT'), () => undefined)
  const newest = await look(lost)
  expect(ofKind(newest, 'damage')[0]).toMatchObject({ file: pathOf(image, 'CURRENT'), what: 'it is missing' })
  expect(ofKind(newest, 'header')).toMatchObject([{ file: older, number: 1 }])
  const asked = await look(lost, 1)
  expect(ofKind(asked, 'damage')).toEqual([])
  expect(asked.at(-1)).toMatchObject({ verdict: 'whole' })
  await expect(look(image, 5)).rejects.toThrow(InvalidArgumentError)
  const none = changed(image, path, () => undefined)
  expect((await look(none)).at(-1)).toMatchObject({ kind: 'end', verdict: 'damaged', records: 0 })
})

/** The history of a key over the files of a store: every version, where it lies, newest first, and what damage takes from it. */
import type { KeyHistory, KeyVersion } from '../../../../src/base/key-history'
import { InvalidArgumentError } from '../../../../src/base/errors'
import { HistoryGathering } from '../../../../src/storage/inspect/history-gathering'
import { readHistory } from '../../../../src/storage/inspect/history'
import type { DurableImage } from '../../../support/memory-runtime/durable-image'
import { changed, DIRECTORY, flip, openWorld, pathOf, put, reboot, remove, removeRange, text } from './inspect-world'

/** Sequence, kind, value, and where: 'log', 'level 0' ... */
function told({ versions }: KeyHistory): unknown[] {
  return versions.map(({ sequence, kind, value, places }) => [
    sequence,
    kind,
    text(value),
    places.map((place) => (place.in === 'table' ? `level ${place.level ?? 'unknown'}` : place.in)).join(', '),
  ])
}

/** A key with a version of every kind, in the last level, in level 0 and in the log. */
async function layered(): Promise<DurableImage> {
  const world = await openWorld()
  await world.commit(put('a', 'old a'), put('k', 'one'), put('z', 'old z'))
  await world.engine.compact()
  await world.commit(remove('k'))
  await world.engine.flush()
  await world.commit(put('k', 'two'), put('kk', 'other'))
  await world.commit(removeRange('c', 'm'), removeRange('n'))
  await world.commit(put('k', ''))
  return world.image()
}

test('every version is shown, newest first, with each place that holds it', async () => {
  const image = await layered()
  const history = await readHistory(reboot(image), DIRECTORY, 'k')
  expect(text(history.key)).toBe('k')
  expect(history).toMatchObject({ isCut: false, publishedSequence: undefined, damages: [], store: { isInUse: false } })
  expect(told(history)).toEqual([
    [5, 'put', '', 'log'],
    [4, 'delete range', undefined, 'log'],
    [3, 'put', 'two', 'log'],
    [2, 'delete', undefined, 'log, level 0'],
    [1, 'put', 'one', 'log, level 1'],
  ])
  const range = history.versions[1]!
  expect([text(range.start), text(range.end)]).toEqual(['c', 'm'])
})

test('a key that was never written has none, but the range deletions that hold it', async () => {
  const image = await layered()
  expect(told(await readHistory(reboot(image), DIRECTORY, 'd'))).toEqual([[4, 'delete range', undefined, 'log']])
  expect(told(await readHistory(reboot(image), DIRECTORY, ''))).toEqual([])
  expect(told(await readHistory(reboot(image), DIRECTORY, 'zz'))).toEqual([[4, 'delete range', undefined, 'log']])
})

test('only the newest are shown where so many are asked for, and only values up to a length', async () => {
  const image = await layered()
  const history = await readHistory(reboot(image), DIRECTORY, 'k', { versionsMax: 2, valueBytesMax: 2 })
  expect(history.isCut).toBe(true)
  expect(history.versions.map(({ sequence }) => sequence)).toEqual([5, 4])
  const all = await readHistory(reboot(image), DIRECTORY, 'k', { valueBytesMax: 2 })
  expect(all.versions.map(({ value, valueBytes }) => [text(value), valueBytes])).toEqual([['', 0], [undefined, undefined], [undefined, 3], [undefined, undefined], [undefined, 3]]) // prettier-ignore
})

test('the one block that can hold a key is found wherever it lies in a table', async () => {
  const world = await openWorld()
  for (let i = 0; i < 30; i++) await world.commit(put(`b${i}`, 'v'.repeat(60)))
  await world.engine.flush()
  const image = world.image()
  for (let i = 0; i < 30; i++) {
    const history = await readHistory(reboot(image), DIRECTORY, `b${i}`)
    expect(history.versions.map(({ sequence }) => sequence)).toEqual([i + 1])
    expect(history.versions[0]!.places).toContainEqual(expect.objectContaining({ in: 'table', level: 0 }))
    expect((await readHistory(reboot(image), DIRECTORY, `b${i}x`)).versions).toEqual([])
  }
})

test('a damaged block or segment is named, with what may be missing, and the rest is shown', async () => {
  const image = await layered()
  const log = pathOf(image, '1.log')
  const cut = await readHistory(reboot(changed(image, log, flip(8192 + 90))), DIRECTORY, 'k')
  expect(told(cut)).toEqual([
    [5, 'put', '', 'log'],
    [4, 'delete range', undefined, 'log'],
    [3, 'put', 'two', 'log'],
    [2, 'delete', undefined, 'level 0'],
    [1, 'put', 'one', 'log, level 1'],
  ])
  expect(cut.damages).toMatchObject([{ file: log, offset: 8192 }])

  const headless = await readHistory(reboot(changed(image, log, flip(16))), DIRECTORY, 'k')
  expect(headless.versions).toEqual((await readHistory(reboot(image), DIRECTORY, 'k')).versions)
  expect(headless.damages).toMatchObject([{ file: log, offset: 0 }])
  expect(headless.damages[0]!.what).toMatch(/; versions in it may be missing$/)

  const tables = [...image.files.keys()].filter((path) => path.endsWith('.table')).sort()
  const lastLevel = tables[0]!
  const withoutLog = changed(image, log, () => undefined)
  const hurt = await readHistory(reboot(changed(withoutLog, lastLevel, flip(20))), DIRECTORY, 'k')
  expect(told(hurt)).toEqual([[2, 'delete', undefined, 'level 0']])
  expect(hurt.damages.map(({ file }) => file)).toEqual([log, lastLevel])
  expect(hurt.damages[0]!.what).toBe('it is missing; versions in it may be missing')
  expect(hurt.damages[1]!.what).toContain('versions of keys from the first key to "z" may be missing')
  const footless = await readHistory(reboot(changed(image, lastLevel, (bytes) => bytes.subarray(1))), DIRECTORY, 'k')
  expect(footless.damages).toMatchObject([{ file: lastLevel }])
  expect(footless.damages[0]!.what).toMatch(/; versions in it may be missing$/)
  expect(footless.versions).toHaveLength(5)
  const gone = await readHistory(reboot(changed(image, lastLevel, () => undefined)), DIRECTORY, 'k')
  const what = 'the manifest names it, but it is missing; versions in it may be missing'
  expect(gone.damages).toMatchObject([{ file: lastLevel, what }])
})

test('without a manifest that can be read every table that is there is looked into', async () => {
  const image = await layered()
  const history = await readHistory(reboot(changed(image, pathOf(image, 'CURRENT'), () => undefined)), DIRECTORY, 'k')
  expect(told(history).map((version) => (version as unknown[])[3])).toEqual(['log', 'log', 'log', 'log, level unknown', 'log, level unknown']) // prettier-ignore
  expect(history.damages).toHaveLength(1)
})

test('rows of a bulk load are shown at the sequence of the load', async () => {
  const world = await openWorld()
  await world.commit(put('z', '1'))
  const load = world.engine.beginLoad()
  for (const key of ['a', 'b']) await load.add(key, Buffer.from('loaded'))
  await load.commit({ enter: async () => undefined, leave: () => undefined, decide: (_, accept) => accept() })
  const history = await readHistory(reboot(world.image()), DIRECTORY, 'b')
  expect(history.versions.map(({ sequence, value }) => [sequence, text(value)])).toEqual([[2, 'loaded']])
  expect(history.versions[0]!.places).toMatchObject([{ in: 'table' }])
})

test('a directory without a store is refused', async () => {
  const runtime = reboot({ directories: ['/empty'], files: new Map() })
  await expect(readHistory(runtime, '/empty', 'k')).rejects.toThrow(InvalidArgumentError)
})

describe('gathering', () => {
  const log = (offset: number): KeyVersion['places'][number] => ({ in: 'log', file: 'log', offset })
  const value = { bytes: Buffer.from('v'), at: 0, length: 1 }

  test('holds no more than twice as many versions as are asked for, and keeps the newest in whatever order they come', () => {
    const orders = [
      Array.from({ length: 500 }, (_, i) => i + 1),
      Array.from({ length: 500 }, (_, i) => 500 - i),
      Array.from({ length: 500 }, (_, i) => ((i * 137) % 500) + 1),
    ]
    for (const order of orders) {
      const gathering = new HistoryGathering('k', { versionsMax: 10 })
      for (const sequence of order) gathering.put(sequence, value, log(sequence))
      const { versions, isCut } = gathering.finish(500)
      expect(versions.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 10 }, (_, i) => 500 - i))
      expect(isCut).toBe(true)
    }
  })

  test('puts the parts of a range deletion together, and a put of the same commit before it', () => {
    const gathering = new HistoryGathering('k')
    gathering.deleteRange(7, { start: 'j', end: 'l' }, { in: 'table', file: 't', level: 1 })
    gathering.deleteRange(7, { start: 'k', end: 'm' }, log(1))
    gathering.deleteRange(7, { start: 'x', end: undefined }, log(1))
    gathering.put(7, value, log(1))
    gathering.put(7, value, log(1))
    const { versions } = gathering.finish(undefined)
    expect(
      versions.map(({ kind, start, end, places }) => [kind, text(start), text(end), places.map((p) => p.in)]),
    ).toEqual([
      ['put', undefined, undefined, ['log']],
      ['delete range', 'j', 'm', ['log', 'table']],
    ])
  })
})

/**
 * A bulk load over every engine: ascending rows become one commit of an empty range, or nothing.
 */
import type { LoadDoor } from '../../../src/storage/engine'
import type { EngineDriver } from './engine-driver'
import { del, delRange, put } from './engine-driver'
import { SUBJECTS } from './engine-subjects'

/** What the transaction layer does at the least: takes the sequence. */
function doorOf(driver: EngineDriver): LoadDoor {
  return {
    enter: () => Promise.resolve(),
    leave: () => undefined,
    decide: (sequence, accept) => {
      expect(sequence).toBe(driver.sequence + 1)
      accept()
      driver.sequence = sequence
    },
  }
}

async function load(
  driver: EngineDriver,
  rows: readonly (readonly [string, string])[],
  door = doorOf(driver),
): Promise<void> {
  const loading = driver.engine.beginLoad()
  try {
    for (const [key, value] of rows) await loading.add(key, Buffer.from(value, 'latin1'))
    await loading.commit(door)
  } finally {
    await loading.discard()
  }
}

const numbered = (prefix: string, count: number, value: string): (readonly [string, string])[] =>
  Array.from({ length: count }, (_, i) => [`${prefix}${String(i).padStart(4, '0')}`, `${value}${i}`] as const)
const shown = (rows: readonly (readonly [string, string])[]): string[] => rows.map(([key, value]) => `${key}=${value}`)

describe.each(SUBJECTS)('a bulk load into $name', ({ create }) => {
  let driver: EngineDriver
  beforeEach(async () => {
    driver = await create()
  })
  afterEach(() => driver.engine.close())

  test('shows all of its rows from its sequence on, and none before', async () => {
    await driver.commit(put('a', '1'), put('z', '1'))
    const before = driver.hold()
    await driver.disturb()
    const rows = numbered('m', 300, 'value ')
    await load(driver, rows)
    const all = ['a=1', ...shown(rows), 'z=1']
    expect(await driver.rows()).toEqual(all)
    expect(await driver.rows(undefined, { reverse: true })).toEqual([...all].reverse())
    expect(await driver.rows(undefined, { sequence: before })).toEqual(['a=1', 'z=1'])
    expect(await driver.get('m0123', before)).toBeUndefined()
    await driver.disturb()
    expect(await driver.rows()).toEqual(all)
    expect(await driver.get('m0123')).toBe('value 123')
    expect(await driver.get('m01234')).toBeUndefined()
    expect(await driver.rows(undefined, { sequence: before })).toEqual(['a=1', 'z=1'])
    driver.release(before)
  })

  test('is a commit like others: it is published in order, and the next one follows it', async () => {
    await driver.commit(put('a', '1'))
    await load(driver, [['b', '2']])
    await driver.engine.sync()
    await driver.commit(put('c', '3'))
    expect(driver.sequence).toBe(3)
    expect(driver.published.at(-1)).toBe(3)
    expect(driver.engine.publishedSequence).toBe(3)
    await driver.disturb()
    expect(await driver.rows()).toEqual(['a=1', 'b=2', 'c=3'])
  })

  test('large and empty values, the empty key, long keys and every byte', async () => {
    const rows = [
      ['', ''],
      ['\0', 'x'.repeat(5000)],
      ['\0\xff', '\xff\0'],
      ['k', ''],
      [`k${'y'.repeat(700)}`, 'z'.repeat(30_000)],
      ['\xff\xff', 'end'],
    ] as const
    await load(driver, rows)
    await driver.disturb()
    expect(await driver.rows()).toEqual(shown(rows))
    for (const [key, value] of rows) expect(await driver.get(key)).toBe(value)
  })

  test('what was deleted in its range before stays deleted for those who read before, and does not hide the rows', async () => {
    await driver.commit(put('m1', 'old'), put('m2', 'old'))
    const old = driver.hold()
    await driver.disturb()
    await driver.commit(del('m1'))
    await driver.disturb()
    await driver.commit(delRange('m', 'n'))
    const none = driver.hold()
    await load(driver, [['m1', 'new'], ['m2', 'new'], ['m3', 'new']]) // prettier-ignore
    for (let round = 0; round < 3; round++) {
      expect(await driver.rows()).toEqual(['m1=new', 'm2=new', 'm3=new'])
      expect(await driver.rows(undefined, { sequence: none })).toEqual([])
      expect(await driver.rows(undefined, { sequence: old })).toEqual(['m1=old', 'm2=old'])
      await driver.disturb()
    }
    driver.release(old)
    driver.release(none)
    await driver.disturb()
    expect(await driver.rows()).toEqual(['m1=new', 'm2=new', 'm3=new'])
  })

  test('is changed by later commits as any other rows, and merges with them', async () => {
    await load(driver, numbered('m', 100, 'loaded '))
    for (let i = 0; i < 100; i += 2) await driver.commit(put(`m${String(i).padStart(4, '0')}`, 'changed'))
    await driver.commit(delRange('m0050', 'm0090'), del('m0001'))
    const expected = numbered('m', 100, 'loaded ')
      .map(([key, value], i) => [key, i % 2 === 0 ? 'changed' : value] as const)
      .filter((_, i) => (i < 50 || i >= 90) && i !== 1)
    for (let round = 0; round < 3; round++) {
      expect(await driver.rows()).toEqual(shown(expected))
      await driver.disturb()
    }
  })

  test('goes into a gap between rows, again and again', async () => {
    await driver.commit(put('a', '1'), put('e', '1'))
    await driver.engine.flush()
    const expected = ['a=1', 'e=1']
    for (const letter of ['c', 'b', 'd', 'f']) {
      const rows = numbered(letter, 60, letter)
      await load(driver, rows)
      expected.push(...shown(rows))
      await driver.disturb()
    }
    expect(await driver.rows()).toEqual(expected.sort())
  })

  test('refuses a range that is not empty, with nothing changed, and names the key', async () => {
    await driver.commit(put('m5', 'here'))
    const rows = [['m1', 'x'], ['m9', 'x']] as const // prettier-ignore
    await driver.disturb()
    await expect(load(driver, rows)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(load(driver, rows)).rejects.toThrow('m5')
    await expect(load(driver, [['m5', 'x']])).rejects.toThrow('has a value')
    expect(await driver.rows()).toEqual(['m5=here'])
    await driver.disturb()
    expect(await driver.rows()).toEqual(['m5=here'])
    // Beside it there is room, and the ends of the range are exact.
    await load(driver, [['m', 'x'], ['m4', 'x']]) // prettier-ignore
    await load(driver, [['m5\0', 'x']])
    expect(await driver.rows()).toEqual(['m=x', 'm4=x', 'm5=here', 'm5\0=x'])
  })

  test('given up, it leaves nothing', async () => {
    const loading = driver.engine.beginLoad()
    for (const [key, value] of numbered('m', 500, 'value ')) await loading.add(key, Buffer.from(value))
    await loading.discard()
    await loading.discard()
    expect(() => loading.add('z', Buffer.alloc(0))).toThrow('given up')
    expect(await driver.rows()).toEqual([])
    await load(driver, [['m0001', 'again']])
    expect(await driver.rows()).toEqual(['m0001=again'])
  })

  test('several gather rows at a time; each is a commit of its own', async () => {
    const letters = ['a', 'b', 'c', 'd']
    await Promise.all(letters.map((letter) => load(driver, numbered(letter, 40, letter))))
    expect(driver.sequence).toBe(4)
    await driver.disturb()
    expect(await driver.rows()).toEqual(letters.flatMap((letter) => shown(numbered(letter, 40, letter))))
  })

  test('commits that go on meanwhile are neither lost nor in its way', async () => {
    let isOver = false
    const rows = numbered('m', 400, 'value ')
    const writing = (async () => {
      for (let i = 0; !isOver || i < 20; i++) {
        await driver.append([put(`a${String(i % 10)}`, String(i))])
        await driver.runtime.scheduler.nextTurn()
      }
    })()
    await load(driver, rows)
    isOver = true
    await writing
    await driver.engine.sync()
    expect((await driver.rows({ start: 'm', end: 'n' })).length).toBe(400)
    expect((await driver.rows({ start: 'a', end: 'b' })).length).toBe(10)
    await driver.disturb()
    expect(await driver.rows({ start: 'm', end: 'n' })).toEqual(shown(rows))
  })
})

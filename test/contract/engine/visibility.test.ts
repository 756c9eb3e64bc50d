/** Invariants 1 to 3 of the engine contract: which version a read sees. */
import { SUBJECTS } from './engine-subjects'
import { del, delRange, put } from './engine-driver'

describe.each(SUBJECTS)('visibility: $name', ({ create }) => {
  test('a read sees the newest version at or below its sequence', async () => {
    const driver = await create()
    const held: [number, string | undefined][] = [[driver.hold(), undefined]]
    for (const value of ['one', 'two', 'three']) {
      await driver.commit(put('k', value))
      held.push([driver.hold(), value])
      await driver.disturb()
    }
    for (const [sequence, value] of held) expect(await driver.get('k', sequence)).toBe(value)
    await driver.engine.close()
  })

  test('a tombstone hides what is older and nothing else', async () => {
    const driver = await create()
    await driver.commit(put('k', 'old'), put('l', 'other'))
    const before = driver.hold()
    await driver.disturb()
    await driver.commit(del('k'))
    const deleted = driver.hold()
    await driver.disturb()
    await driver.commit(put('k', 'new'))
    await driver.disturb()
    expect(await driver.get('k', before)).toBe('old')
    expect(await driver.get('k', deleted)).toBeUndefined()
    expect(await driver.get('k')).toBe('new')
    expect(await driver.get('l')).toBe('other')
    expect(await driver.rows()).toEqual(['k=new', 'l=other'])
    expect(await driver.rows(undefined, { sequence: deleted })).toEqual(['l=other'])
    await driver.engine.close()
  })

  test('a range deletion hides every key of its half-open range, and a put of the same batch is newer', async () => {
    const driver = await create()
    await driver.commit(put('a', '1'), put('b', '1'), put('c', '1'), put('d', '1'))
    const before = driver.hold()
    await driver.disturb()
    await driver.commit(delRange('b', 'd'), put('c', '2'))
    await driver.disturb()
    expect(await driver.rows()).toEqual(['a=1', 'c=2', 'd=1'])
    expect(await driver.get('b')).toBeUndefined()
    expect(await driver.get('c')).toBe('2')
    expect(await driver.rows(undefined, { sequence: before })).toEqual(['a=1', 'b=1', 'c=1', 'd=1'])
    await driver.commit(put('b', '3'))
    await driver.disturb()
    expect(await driver.rows()).toEqual(['a=1', 'b=3', 'c=2', 'd=1'])
    await driver.engine.close()
  })

  test('range deletions without an end, of nothing, of an empty range and over each other', async () => {
    const driver = await create()
    await driver.commit(delRange('x', 'y'))
    await driver.commit(delRange('b', 'b'))
    await driver.commit(delRange('c', 'b'))
    await driver.commit(put('a', '1'), put('b', '1'), put('\xff\xff', '1'), put('', 'empty key'))
    await driver.disturb()
    const before = driver.hold()
    await driver.commit(delRange('b', undefined))
    await driver.disturb()
    expect(await driver.rows()).toEqual(['=empty key', 'a=1'])
    await driver.commit(put('z', '2'))
    await driver.disturb()
    const between = driver.hold()
    await driver.commit(delRange('', 'zz'))
    await driver.disturb()
    expect(await driver.rows()).toEqual([])
    expect(await driver.rows(undefined, { sequence: between })).toEqual(['=empty key', 'a=1', 'z=2'])
    expect(await driver.rows(undefined, { sequence: before })).toHaveLength(4)
    await driver.engine.close()
  })

  test('a batch is visible entirely at its sequence and not at all below it', async () => {
    const driver = await create()
    const before = driver.hold()
    const keys = Array.from({ length: 40 }, (_, i) => `key${i}`)
    const sequence = await driver.commit(...keys.map((key) => put(key, 'v')))
    await driver.disturb()
    expect(await driver.rows(undefined, { sequence: before })).toEqual([])
    expect(await driver.rows(undefined, { sequence })).toHaveLength(40)
    for (const key of keys) expect(await driver.get(key, before)).toBeUndefined()
    await driver.engine.close()
  })

  test('keys are ordered and told apart as bytes, the awkward ones too, and values may be empty', async () => {
    const driver = await create()
    const keys = [
      '',
      '\0',
      '\0\0',
      '\0\xff',
      'key',
      'key\0',
      'key1',
      'key10',
      'key2',
      '\x7f',
      '\x80',
      '\xff',
      '\xff\xff',
    ]
    await driver.commit(...[...keys].reverse().map((key) => put(key, key === 'key' ? '' : `v${key}`)))
    await driver.disturb()
    expect(await driver.rows()).toEqual(keys.map((key) => `${key}=${key === 'key' ? '' : `v${key}`}`))
    for (const key of keys) expect(await driver.get(key)).toBe(key === 'key' ? '' : `v${key}`)
    expect(await driver.get('\0\0\0')).toBeUndefined()
    await driver.commit(del(''), del('\xff\xff'))
    await driver.disturb()
    expect(await driver.rows()).toHaveLength(keys.length - 2)
    await driver.engine.close()
  })

  test('the largest key and values larger than a block come back whole', async () => {
    const driver = await create()
    const long = 'k'.repeat(4096)
    for (const length of [255, 256, 257, 2048, 2049, 12_000]) {
      await driver.commit(put(`v${length}`, 'x'.repeat(length)))
      await driver.disturb()
    }
    await driver.commit(put(long, 'long'), put(`${long.slice(1)}l`, 'longer'))
    await driver.disturb()
    for (const length of [255, 256, 257, 2048, 2049, 12_000]) {
      expect((await driver.get(`v${length}`))?.length).toBe(length)
    }
    expect(await driver.get(long)).toBe('long')
    expect((await driver.rows({ start: 'k', end: 'l' })).map((row) => row.length)).toEqual([4096 + 5, 4096 + 7])
    await driver.engine.close()
  })

  test('what is appended is readable at once, before it is published', async () => {
    const driver = await create()
    const reserved = driver.engine.reserve(1000, false)
    if (reserved !== undefined) await reserved
    driver.engine.append([put('k', 'v')], 1000, ++driver.sequence, 'sync')
    expect(driver.engine.publishedSequence).toBe(driver.sequence - 1)
    expect(driver.engine.getSync('k', driver.sequence)?.toString()).toBe('v')
    expect(driver.engine.getSync('k', driver.sequence - 1)).toBeUndefined()
    await driver.engine.close()
  })

  test('the engine keeps copies, and gives copies', async () => {
    const driver = await create()
    const value = Buffer.from('value')
    await driver.append([{ ...put('k', ''), value }])
    value.fill(0)
    await driver.disturb()
    const given = await driver.engine.get('k', driver.sequence)
    expect(given?.toString()).toBe('value')
    given?.fill(0)
    const cursor = driver.engine.openCursor({ start: '', end: undefined }, driver.sequence, false)
    expect(await cursor.next()).toBe(true)
    const shown = cursor.value()
    expect(shown.toString()).toBe('value')
    shown.fill(0)
    expect(cursor.value().toString()).toBe('value')
    cursor.close()
    expect(await driver.get('k')).toBe('value')
    await driver.engine.close()
  })
})

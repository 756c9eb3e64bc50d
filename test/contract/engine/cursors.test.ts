/** Cursors of the engine contract: order, bounds, direction, and standing still while the engine moves on. */
import { SUBJECTS } from './engine-subjects'
import type { EngineDriver } from './engine-driver'
import { del, delRange, put } from './engine-driver'

const KEYS = Array.from({ length: 60 }, (_, i) => `k${String(i).padStart(2, '0')}`)

async function fill(driver: EngineDriver): Promise<void> {
  // Every third key ends up in another step, so that a source never has all of them.
  for (const third of [2, 0, 1]) {
    await driver.commit(...KEYS.filter((_, i) => i % 3 === third).map((key) => put(key, key)))
    await driver.disturb()
  }
}

describe.each(SUBJECTS)('cursors: $name', ({ create }) => {
  test('rows come in byte order, and in reverse', async () => {
    const driver = await create()
    await fill(driver)
    const expected = KEYS.map((key) => `${key}=${key}`)
    expect(await driver.rows()).toEqual(expected)
    expect(await driver.rows(undefined, { reverse: true })).toEqual([...expected].reverse())
    await driver.engine.close()
  })

  test('bounds are half-open in both directions, wherever they fall', async () => {
    const driver = await create()
    await fill(driver)
    const bounds = ['', 'a', 'k00', 'k00\0', 'k17', 'k175', 'k59', 'k59\0', 'z']
    for (const start of bounds) {
      for (const end of [...bounds, undefined]) {
        const expected = KEYS.filter((key) => key >= start && (end === undefined || key < end))
        const rows = expected.map((key) => `${key}=${key}`)
        expect(await driver.rows({ start, end })).toEqual(rows)
        expect(await driver.rows({ start, end }, { reverse: true })).toEqual(rows.reverse())
      }
    }
    await driver.engine.close()
  })

  test('deleted keys and ranges are skipped in both directions', async () => {
    const driver = await create()
    await fill(driver)
    await driver.commit(del('k00'), del('k59'), del('k30'))
    await driver.disturb()
    await driver.commit(delRange('k10', 'k20'), put('k15', 'again'))
    await driver.disturb()
    const gone = new Set(['k00', 'k59', 'k30', ...KEYS.slice(10, 20)])
    const expected = KEYS.filter((key) => !gone.has(key) || key === 'k15')
    const keys = (rows: string[]): string[] => rows.map((row) => row.split('=')[0]!)
    expect(keys(await driver.rows())).toEqual(expected)
    expect(keys(await driver.rows(undefined, { reverse: true }))).toEqual([...expected].reverse())
    expect(await driver.rows({ start: 'k15', end: 'k16' })).toEqual(['k15=again'])
    await driver.engine.close()
  })

  test.each([false, true])(
    'a cursor shows its sequence while everything changes under it (reverse: %p)',
    async (reverse) => {
      const driver = await create()
      await fill(driver)
      const cursor = driver.engine.openCursor({ start: '', end: undefined }, driver.sequence, reverse)
      const seen: string[] = []
      for (let step = 0; await cursor.next(); step++) {
        seen.push(cursor.key)
        expect(cursor.value().toString()).toBe(cursor.key)
        if (step % 10 !== 5) continue
        await driver.commit(delRange('', undefined), ...KEYS.map((key) => put(key, `changed ${step}`)))
        await driver.engine.flush()
        await driver.engine.compact()
      }
      expect(seen).toEqual(reverse ? [...KEYS].reverse() : KEYS)
      cursor.close()
      cursor.close()
      await driver.engine.close()
    },
  )

  test('a cursor at its end stays there', async () => {
    const driver = await create()
    await driver.commit(put('a', '1'))
    const cursor = driver.engine.openCursor({ start: '', end: undefined }, driver.sequence, false)
    expect(await cursor.next()).toBe(true)
    expect(await cursor.next()).toBe(false)
    expect(await cursor.next()).toBe(false)
    cursor.close()
    await driver.engine.close()
  })
})

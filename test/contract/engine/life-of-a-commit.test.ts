/** Reservation, publication in order, synchronous publication, closing and opening again. */
import { DatabaseClosedError } from '../../../src/base/errors'
import { batchBytes } from '../../../src/storage/engine'
import { SUBJECTS } from './engine-subjects'
import { put } from './engine-driver'

describe.each(SUBJECTS)('life of a commit: $name', ({ create, isDurable }) => {
  test('commits are published in order, each once, and none before its turn', async () => {
    const driver = await create()
    for (let i = 0; i < 30; i++) {
      await driver.append([put(`k${i}`, 'v')], i % 3 === 0 ? 'os' : 'sync')
      expect(driver.engine.publishedSequence).toBeLessThanOrEqual(driver.sequence)
    }
    await driver.engine.sync()
    expect(driver.engine.publishedSequence).toBe(30)
    expect(driver.published).toEqual([...driver.published].sort((a, b) => a - b))
    expect(new Set(driver.published).size).toBe(driver.published.length)
    expect(driver.published.at(-1)).toBe(30)
    await driver.engine.close()
  })

  test('a commit is published without being asked about again', async () => {
    const driver = await create()
    await driver.append([put('k', 'v')])
    for (let turn = 0; turn < 1000 && driver.published.length === 0; turn++) await driver.runtime.scheduler.nextTurn()
    expect(driver.published).toEqual([1])
    await driver.engine.close()
  })

  test('publishSync publishes everything appended before it returns', async () => {
    const driver = await create()
    await driver.append([put('a', '1')])
    await driver.append([put('b', '2')], 'os')
    driver.engine.publishSync()
    expect(driver.engine.publishedSequence).toBe(2)
    expect(driver.published.at(-1)).toBe(2)
    await driver.engine.close()
  })

  test('what is reserved and given back leaves nothing behind', async () => {
    const driver = await create()
    for (let i = 0; i < 200; i++) {
      await driver.engine.reserve(10_000, false)
      driver.engine.unreserve(10_000)
    }
    await driver.commit(put('k', 'v'))
    expect(await driver.rows()).toEqual(['k=v'])
    await driver.engine.close()
  })

  test('reservations may be used in another order than they were made', async () => {
    const driver = await create()
    const batches = [1, 100, 1000].map((length) => [put(`k${length}`, 'x'.repeat(length))])
    for (const batch of batches) await driver.engine.reserve(batchBytes(batch), false)
    for (const batch of [...batches].reverse())
      driver.engine.append(batch, batchBytes(batch), ++driver.sequence, 'sync')
    await driver.engine.sync()
    expect(await driver.rows()).toHaveLength(3)
    await driver.engine.close()
  })

  test('closing twice is closing once, and a closed engine refuses by name', async () => {
    const driver = await create()
    await driver.append([put('k', 'v')])
    await Promise.all([driver.engine.close(), driver.engine.close()])
    await driver.engine.close()
    expect(driver.engine.publishedSequence).toBe(1)
    expect(() => driver.engine.getSync('k', 1)).toThrow(DatabaseClosedError)
    expect(() => driver.engine.get('k', 1)).toThrow(DatabaseClosedError)
    expect(() => driver.engine.reserve(10, false)).toThrow(DatabaseClosedError)
    expect(() => driver.engine.openCursor({ start: '', end: undefined }, 1, false)).toThrow(DatabaseClosedError)
    await expect(driver.engine.sync()).rejects.toThrow(DatabaseClosedError)
    await expect(driver.engine.flush()).rejects.toThrow(DatabaseClosedError)
  })

  test('figures are there, and are zero for what an engine has not', async () => {
    const driver = await create()
    await driver.commit(put('k', 'v'))
    const stats = driver.engine.stats()
    expect(stats.memtableEntries).toBe(1)
    expect(stats.memtableBytes).toBeGreaterThan(0)
    expect(stats.poisoned).toBeUndefined()
    expect(stats.backgroundError).toBeUndefined()
    if (isDurable) expect(stats.logGroups).toBe(1)
    else expect(stats.tables + stats.logGroups + stats.blockReads).toBe(0)
    await driver.engine.close()
  })

  if (!isDurable) return

  test('everything committed is there after reopening, and sequences go on from it', async () => {
    const driver = await create()
    for (let i = 0; i < 25; i++) {
      await driver.append([put(`k${i % 7}`, `v${i}`)], i % 2 === 0 ? 'os' : 'sync')
      if (i % 10 === 9) await driver.reopen()
    }
    const rows = await driver.rows()
    await driver.reopen()
    expect(driver.engine.recoveredSequence).toBe(25)
    expect(driver.engine.publishedSequence).toBe(25)
    expect(await driver.rows()).toEqual(rows)
    await driver.commit(put('k0', 'more'))
    await driver.reopen()
    expect(await driver.get('k0')).toBe('more')
    await driver.engine.close()
  })
})

/** Invariant 4 of the engine contract: what a live snapshot or the published sequence sees stays; the rest may go. */
import { SUBJECTS } from './engine-subjects'
import { del, delRange, put } from './engine-driver'

describe.each(SUBJECTS)('retention: $name', ({ create, name }) => {
  test('every held snapshot reads the same through any number of merges', async () => {
    const driver = await create()
    const held: { sequence: number; rows: string[] }[] = []
    for (let i = 0; i < 12; i++) {
      await driver.commit(put('a', `a${i}`), i % 3 === 0 ? del('b') : put('b', `b${i}`))
      if (i % 4 === 1) await driver.commit(delRange('a', 'c'), put('c', `c${i}`))
      if (i % 2 === 0) held.push({ sequence: driver.hold(), rows: await driver.rows() })
      await driver.disturb()
    }
    for (let round = 0; round < 3; round++) {
      for (const { sequence, rows } of held) expect(await driver.rows(undefined, { sequence })).toEqual(rows)
      await driver.engine.compact()
    }
    // Letting go of one changes nothing for the others.
    const [first, ...others] = held
    driver.release(first!.sequence)
    await driver.engine.compact()
    for (const { sequence, rows } of others) expect(await driver.rows(undefined, { sequence })).toEqual(rows)
    await driver.engine.close()
  })

  test('two snapshots at one sequence, one let go of: the other reads on', async () => {
    const driver = await create()
    await driver.commit(put('k', 'old'))
    const one = driver.hold()
    const other = driver.hold()
    await driver.commit(put('k', 'new'))
    driver.release(one)
    await driver.engine.compact()
    expect(await driver.get('k', other)).toBe('old')
    await driver.engine.close()
  })

  test('once nobody needs them, overwritten and deleted versions go', async () => {
    const driver = await create()
    const before = driver.hold()
    for (let i = 0; i < 50; i++) {
      await driver.commit(put('k', `v${i}`), put(`gone${i}`, 'x'))
      if (i % 10 === 0) await driver.disturb()
    }
    await driver.commit(delRange('gone', 'gonf'))
    await driver.engine.compact()
    const entries = (): number => {
      const stats = driver.engine.stats()
      return stats.levels.reduce((sum, level) => sum + level.entries, stats.memtableEntries)
    }
    driver.release(before)
    await driver.commit(put('last', '1'))
    await driver.engine.compact()
    expect(await driver.rows()).toEqual(['k=v49', 'last=1'])
    expect(entries()).toBe(2)
    await driver.commit(delRange('', undefined))
    await driver.engine.compact()
    expect(entries()).toBe(0)
    expect(driver.engine.stats().tables).toBe(0)
    expect(await driver.rows()).toEqual([])
    expect(name).not.toBe('')
    await driver.engine.close()
  })

  test('a version at the published sequence stays while a newer one is only decided', async () => {
    const driver = await create()
    await driver.commit(put('k', 'published'))
    const published = driver.engine.publishedSequence
    const collected = driver.engine.compact()
    await driver.append([put('k', 'decided')])
    expect(await driver.get('k', published)).toBe('published')
    await collected
    expect(await driver.get('k', driver.sequence)).toBe('decided')
    await driver.engine.close()
  })
})

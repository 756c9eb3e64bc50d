/** The history of a key in an open store: memtables, log and tables of one moment, while flushes and merges go on. */
import type { KeyHistory } from '../../../../src/base/key-history'
import { DatabaseClosedError } from '../../../../src/base/errors'
import { batchBytes } from '../../../../src/storage/engine'
import type { Batch } from '../../../../src/storage/engine'
import { createMemoryEngine } from '../../../../src/storage/memory/memory-engine'
import { createRandomStream } from '../../../support/memory-runtime/random-stream'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { replayCommand, testSeed } from '../../../support/oracle/random'
import { openWorld, put, remove, removeRange, text } from './inspect-world'

const told = ({ versions }: KeyHistory): unknown[] =>
  versions.map(({ sequence, kind, value, places }) => [sequence, kind, text(value), places.map((place) => place.in)])

test('versions are found in the memtable, the log, level 0 and the last level, newest first', async () => {
  const { engine, commit } = await openWorld()
  await commit(put('k', 'one'))
  await engine.compact()
  await commit(remove('k'))
  await engine.flush()
  await commit(put('k', 'two'), put('other', 'x'))
  await commit(removeRange('a', 'l'))
  await commit(put('k', 'three'))
  const history = await engine.history('k')
  expect(history).toMatchObject({ publishedSequence: 5, isCut: false, damages: [] })
  expect(told(history)).toEqual([
    [5, 'put', 'three', ['memtable', 'log']],
    [4, 'delete range', undefined, ['memtable', 'log']],
    [3, 'put', 'two', ['memtable', 'log']],
    [2, 'delete', undefined, ['log', 'table']],
    [1, 'put', 'one', ['log', 'table']],
  ])
  expect(history.versions.map(({ places }) => places.at(-1))).toMatchObject([{ in: 'log' }, { in: 'log' }, { in: 'log' }, { level: 0 }, { in: 'table' }]) // prettier-ignore
  expect(told(await engine.history('never'))).toEqual([])
  await engine.close()
  expect(() => engine.history('k')).toThrow(DatabaseClosedError)
})

test('a version that is decided and not published yet is shown, and the history says how far publishing is', async () => {
  const { engine, commit } = await openWorld()
  await commit(put('k', 'one'))
  const batch: Batch = [put('k', 'two')]
  await engine.reserve(batchBytes(batch), false)
  engine.append(batch, batchBytes(batch), 2, 'sync')
  const history = await engine.history('k')
  expect(history.publishedSequence).toBe(1)
  expect(told(history)[0]).toEqual([2, 'put', 'two', expect.arrayContaining(['memtable'])])
  await engine.sync()
})

test('nothing is missed between memory and tables while they are written, merged and removed', async () => {
  const seed = testSeed(20261)
  console.log(replayCommand(seed, 'test/unit/storage/inspect/history-live.test.ts'))
  const random = createRandomStream(seed, 'history')
  const { engine, commit } = await openWorld({ limits: { memtableBytesMax: 16 * 1024, levelZeroTablesMax: 2, levelBytesBase: 32 * 1024, tableBytesMax: 16 * 1024 } }) // prettier-ignore
  const newest = new Map<string, { readonly sequence: number; readonly value: string }>()
  const asked: Promise<void>[] = []
  for (let i = 0; i < 400; i++) {
    const key = `k${random.u32() % 12}`
    const value = `${i}`.padEnd(200, '.')
    newest.set(key, { sequence: await commit(put(key, value)), value })
    const about = `k${random.u32() % 12}`
    const expected = newest.get(about)
    if (expected === undefined || i % 3 > 0) continue
    // Not awaited: flushes and merges go on under it.
    const check = async (): Promise<void> => {
      const { versions, damages } = await engine.history(about)
      const found = versions.find(({ sequence }) => sequence === expected.sequence)
      expect([about, damages, text(found?.value)]).toEqual([about, [], expected.value])
      const sequences = versions.map(({ sequence }) => sequence)
      expect(sequences).toEqual([...sequences].sort((a, b) => b - a))
    }
    asked.push(check())
  }
  await Promise.all(asked)
  expect(engine.stats().compactions).toBeGreaterThan(0)
  expect(asked.length).toBeGreaterThan(50)
  engine.checkInvariants()
  // What a history pinned is let go: closing waits for nothing, and removes what was merged.
  await engine.close()
})

test('closing waits for a history that is being read', async () => {
  const { engine, commit } = await openWorld()
  await commit(put('k', 'one'))
  await engine.flush()
  const history = engine.history('k')
  await engine.close()
  expect(told(await history)).toMatchObject([[1, 'put', 'one', expect.arrayContaining(['table'])]])
})

test('the engine in memory tells the same of the same writes', async () => {
  const writes: readonly Batch[] = [
    [put('k', '1'), put('z', '1')],
    [removeRange('a', 'm'), put('k', '2')],
    [remove('k')],
    [removeRange('j')],
    [put('k', '5')],
  ]
  const { engine, commit } = await openWorld()
  const model = createMemoryEngine({ runtime: createMemoryRuntime(), collectAfterVersions: Infinity })
  model.attach({ onPublished: () => undefined, onPoisoned: () => undefined, liveSnapshots: () => [] })
  for (const [i, batch] of writes.entries()) {
    await commit(...batch)
    await model.reserve(batchBytes(batch), false)
    model.append(batch, batchBytes(batch), i + 1, 'sync')
  }
  await model.sync()
  const plain = ({ versions }: KeyHistory): unknown[] =>
    versions.map(({ sequence, kind, value, start, end }) => [sequence, kind, text(value), text(start), text(end)])
  for (const key of ['k', 'z', 'b', '']) {
    expect([key, plain(await model.history(key))]).toEqual([key, plain(await engine.history(key))])
  }
})

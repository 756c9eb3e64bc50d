/**
 * Checkpoints of an engine: every prefix that can be had is had exactly, whatever the origin does meanwhile or has come to.
 */
import { PoisonedError } from '../../../src/base/errors'
import { parseFileName } from '../../../src/storage/files/file-names'
import { expectNothingLeaked, rowsOf } from '../../crash/engine-scenario'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { SeededRandom, replayCommand, testSeed } from '../../support/oracle/random'
import { del, delRange, put } from '../engine/engine-driver'
import { ORIGIN, Origin, expectCopy, openAt, short, wanted } from './checkpoint-origin'

describe('a checkpoint has exactly the commits through its sequence', () => {
  test('for every sequence above the tables, in the middle of groups too; what tables hold cannot be cut any more', async () => {
    const origin = await Origin.open()
    origin.append(put('a', '1'), put('b', '1'))
    origin.append(put('a', '2'), del('b'))
    await origin.engine.sync()
    await origin.engine.flush()
    for (const text of ['3', '4', '5']) origin.append(put('a', text), put(`c${text}`, text))
    await origin.engine.sync()
    for (const text of ['6', '7']) origin.append(delRange('c', 'c5'), put('big', text.repeat(3000)))
    await origin.engine.sync()
    expect(origin.published).toBe(7)
    for (const sequence of [0, 1]) expect(origin.engine.pinCheckpoint(sequence)).toBeUndefined()
    for (let sequence = 2; sequence <= 7; sequence++) await origin.copyAt(sequence, `/copies/${sequence}`)
    await origin.engine.close()
  })

  test('of an empty store, and of one with nothing but tables', async () => {
    const origin = await Origin.open()
    await origin.copyAt(0, '/copies/empty')
    await origin.commit(put('a', '1'))
    await origin.engine.compact()
    await origin.copyAt(1, '/copies/tables')
    expect((await origin.runtime.files.list('/copies/tables')).filter((name) => name.endsWith('.log'))).toEqual([])
    await origin.engine.close()
  })

  test('where tables have to be copied: they lie on another file system, or links are forbidden', async () => {
    for (const code of ['EXDEV', 'EPERM', 'ENOTSUP'] as const) {
      const runtime = createMemoryRuntime({ seed: 3, inject: ({ operation }) => (operation === 'link' ? code : undefined) }) // prettier-ignore
      const origin = await Origin.open({}, runtime)
      await origin.commit(put('a', '1'))
      await origin.engine.flush()
      await origin.commit(put('b', '2'))
      await origin.copyAt(2, '/copies/one')
      await origin.engine.close()
    }
  })

  test('after random commits, flushes, merges and reopenings, at random moments', async () => {
    const first = testSeed(1)
    for (let seed = first; seed < first + 6; seed++) {
      const random = new SeededRandom(seed)
      const origin = await Origin.open({}, createMemoryRuntime({ seed }))
      try {
        for (let step = 0; step < 40; step++) {
          const key = `k${10 + random.below(12)}`
          const kind = random.below(10)
          if (kind < 6) await origin.commit(put(key, `${step}`.repeat(1 + random.below(60))))
          else if (kind === 6)
            await origin.commit(del(key), delRange(`k${10 + random.below(5)}`, `k${10 + random.below(9)}`))
          else if (kind === 7) await origin.engine.flush()
          else if (kind === 8) await origin.engine.compact()
          else await origin.copyAt(origin.published, `/copies/${step}`)
        }
        await origin.copyAt(origin.published, '/copies/last')
        await origin.engine.close()
        await expectNothingLeaked(origin.runtime)
      } catch (error) {
        throw new Error(`${replayCommand(seed, __filename)}: ${(error as Error).message}`, { cause: error })
      }
    }
  })
})

describe('while a checkpoint is held', () => {
  test('commits, flushes and merges go on, and nothing that it needs is removed before it is let go', async () => {
    const origin = await Origin.open()
    const { engine, runtime, journal } = origin
    await origin.commit(put('a', '1'), put('b', 'x'.repeat(9000)))
    await engine.flush()
    await origin.commit(put('a', '2'), put('c', 'y'.repeat(9000)))
    const expected = { sequence: 2, rows: journal.rowsAt(2) }
    const held = engine.pinCheckpoint(2)!
    const before = await runtime.files.list(ORIGIN)
    for (let round = 0; round < 12; round++) {
      await origin.commit(put('a', `later ${round}`), put(`d${round + 10}`, 'z'.repeat(9000)))
      if (round % 3 === 2) await engine.compact()
    }
    const during = await runtime.files.list(ORIGIN)
    const neededKinds = ['table', 'segment']
    const needed = before.filter((name) => neededKinds.includes(parseFileName(name)?.kind ?? ''))
    expect(needed.length).toBeGreaterThan(1)
    // The next segment of the log was empty, and may have been given up for a larger one.
    expect(needed.filter((name) => !during.includes(name) && name.endsWith('.table'))).toEqual([])
    await held.write('/copies/late', wanted)
    held.release()
    held.release()
    await expectCopy(runtime, '/copies/late', expected)
    expect(short(await rowsOf(engine, journal.last))).toEqual(short(journal.rowsAt(journal.last)))
    await engine.close()
    await expectNothingLeaked(runtime)
    expect((await runtime.files.list(ORIGIN)).filter((name) => needed.includes(name))).toEqual([])
  })

  test('segments of the log that a flush has dropped stay until the last of two is let go', async () => {
    const origin = await Origin.open()
    const { engine, runtime } = origin
    const segments = async (): Promise<string[]> => (await runtime.files.list(ORIGIN)).filter((name) => name.endsWith('.log')) // prettier-ignore
    await origin.commit(put('a', '1'))
    const [first] = await segments()
    const [one, two] = [engine.pinCheckpoint(1)!, engine.pinCheckpoint(1)!]
    for (let round = 0; round < 12; round++) await origin.commit(put(`b${round + 10}`, 'z'.repeat(12_000)))
    await engine.flush()
    expect(engine.stats().logSegments).toBeLessThan((await segments()).length)
    one.release()
    await runtime.scheduler.nextTurn()
    expect(await segments()).toContain(first)
    await two.write('/copies/one', wanted)
    two.release()
    for (let turn = 0; turn < 50 && (await segments()).includes(first!); turn++) await runtime.scheduler.nextTurn()
    expect(await segments()).not.toContain(first)
    await expectCopy(runtime, '/copies/one', { sequence: 1, rows: origin.journal.rowsAt(1) })
    await engine.close()
  })

  test('the close of the store lets it go', async () => {
    const origin = await Origin.open()
    await origin.commit(put('a', '1'))
    origin.engine.pinCheckpoint(1)
    await origin.engine.flush()
    await origin.engine.close()
    await expectNothingLeaked(origin.runtime)
  })
})

describe('a bulk load', () => {
  test('that is in tables and not published yet keeps checkpoints away until it is', async () => {
    const origin = await Origin.open()
    await origin.commit(put('a', '1'))
    let duringLoad: unknown = 'not asked'
    await origin.load('m', 200, () => {
      duringLoad = origin.engine.pinCheckpoint(origin.published)
    })
    expect(duringLoad).toBeUndefined()
    await origin.engine.sync()
    expect(origin.published).toBe(2)
    expect(origin.engine.pinCheckpoint(1)).toBeUndefined()
    await origin.copyAt(2, '/copies/loaded')
    await origin.commit(del('m0007'))
    await origin.copyAt(3, '/copies/changed')
    await origin.engine.close()
  })

  test('whose commit a power cut took from the log is in the copy of a store opened for reading', async () => {
    const calls = createMemoryRuntime({ seed: 8 })
    const first = await Origin.open({}, calls)
    await first.commit(put('a', '1'))
    await first.load('m', 30)
    // The edit of the load is synced as the last thing of all.
    const edit = calls.calls.filter(({ operation, path }) => operation === 'sync' && path.endsWith('.manifest')).at(-1)!
    const runtime = createMemoryRuntime({ seed: 8, inject: ({ index }) => (index === edit.index ? 'crash-after' : undefined) }) // prettier-ignore
    const second = await Origin.open({}, runtime)
    const life = (async () => {
      await second.commit(put('a', '1'))
      await second.load('m', 30)
    })()
    void life
    while (!runtime.crashed) await new Promise((resolve) => setImmediate(resolve))
    const booted = createMemoryRuntime({ files: runtime.durableImage('synced-only') })
    const reader = await openAt(booted, ORIGIN, { readOnly: true, create: false })
    expect(reader.recoveredSequence).toBe(2)
    const checkpoint = reader.pinCheckpoint(2)!
    await checkpoint.write('/copies/one', wanted)
    checkpoint.release()
    await expectCopy(booted, '/copies/one', { sequence: 2, rows: first.journal.rowsAt(2) })
    await reader.close()
  })
})

describe('an origin that cannot be written to any more', () => {
  test('because it was poisoned gives a copy of what was published', async () => {
    const origin = await Origin.open()
    await origin.commit(put('a', '1'))
    await origin.engine.flush()
    await origin.commit(put('b', '2'))
    origin.runtime.inject = ({ operation }) => (operation === 'thread-sync' ? 'EIO' : undefined)
    origin.append(put('c', 'never published'))
    await expect(origin.engine.sync()).rejects.toThrow(PoisonedError)
    origin.runtime.inject = undefined
    expect(origin.engine.poisoned).toBeDefined()
    await origin.copyAt(2, '/copies/rescued')
    await origin.engine.close()
  })

  test('because it is read alone, after a crash that tore its log, gives a copy without the torn tail', async () => {
    const origin = await Origin.open()
    await origin.commit(put('a', '1'))
    await origin.engine.flush()
    await origin.commit(put('b', '2'))
    origin.append(put('c', 'torn'.repeat(2000)))
    const calls = origin.runtime.calls.length
    while (!origin.runtime.calls.slice(calls).some(({ operation }) => operation === 'thread-write')) await origin.runtime.scheduler.nextTurn() // prettier-ignore
    const booted = createMemoryRuntime({ files: origin.runtime.durableImage('synced-only') })
    const reader = await openAt(booted, ORIGIN, { readOnly: true, create: false })
    expect(reader.recoveredSequence).toBe(2)
    const checkpoint = reader.pinCheckpoint(2)!
    await checkpoint.write('/copies/one', wanted)
    checkpoint.release()
    await reader.close()
    await expectCopy(booted, '/copies/one', { sequence: 2, rows: origin.journal.rowsAt(2) })
  })

  test('because the disk was full when it was opened gives a copy once links need no room', async () => {
    const origin = await Origin.open()
    await origin.commit(put('a', '1'))
    await origin.engine.flush()
    await origin.commit(put('b', '2'))
    const booted = createMemoryRuntime({ files: origin.runtime.durableImage('everything') })
    booted.isDiskFull = true
    const engine = await openAt(booted, ORIGIN)
    expect(engine.refusal).toBeDefined()
    const checkpoint = engine.pinCheckpoint(2)!
    await expect(checkpoint.write('/copies/one', wanted)).rejects.toThrow('no space left')
    booted.isDiskFull = false
    await checkpoint.write('/copies/one', wanted)
    checkpoint.release()
    await engine.close()
    await expectCopy(booted, '/copies/one', { sequence: 2, rows: origin.journal.rowsAt(2) })
  })
})

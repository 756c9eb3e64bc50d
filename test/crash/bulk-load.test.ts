/**
 * A failure at every I/O call of a life with bulk loads: each load is there whole or not at all, live and after every reboot.
 */
import type { BatchEntry } from '../../src/storage/engine'
import { ENTRY_DELETE, ENTRY_DELETE_RANGE, ENTRY_PUT } from '../../src/storage/engine'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'
import type { Step, Journal } from './engine-scenario'
import { CRASH_LIMITS, Scenario, judgeImage, openAt, rowsOf, untilDoneOrCrashed } from './engine-scenario'
import { failEveryCall } from './fail-every-call'

const put = (key: string, text: string): BatchEntry => {
  return { kind: ENTRY_PUT, key, value: Buffer.from(text.padEnd(40, '.'), 'latin1'), end: undefined }
}
const del = (key: string): BatchEntry => ({ kind: ENTRY_DELETE, key, value: undefined, end: undefined })
const delRange = (key: string, end: string): BatchEntry => ({ kind: ENTRY_DELETE_RANGE, key, value: undefined, end })

/** Several tables, with a large value in one of them. */
const rows = (prefix: string, count: number): BatchEntry[] =>
  Array.from({ length: count }, (_, i) =>
    put(`${prefix}${String(i).padStart(3, '0')}`, 'x'.repeat(i === 7 ? 3000 : 1500)),
  )

/** Next to other rows and over what was deleted, with commits before and behind that are not synced yet. */
const STEPS: readonly Step[] = [
  { commit: [put('a', '1'), put('e1', '2'), put('e3', '2')], wait: false },
  { load: rows('d', 12) },
  { commit: [delRange('e', 'f'), put('b', '3')], durability: 'os', wait: false },
  { load: rows('e', 2) },
  { commit: [del('e001'), put('e001x', '4')], wait: false },
  { act: 'reopen' },
]

describe('a failure at every I/O call of a life with bulk loads', () => {
  test.each(['EIO', 'ENOSPC', 'crash-before', 'crash-after'] as const)(
    '%s: each is there whole or not at all',
    (failure) => failEveryCall(failure, 1, STEPS),
  )

  test('without a failure nothing fails, and a reboot has everything', async () => {
    const runtime = createMemoryRuntime({ seed: 2 })
    const scenario = new Scenario(runtime, STEPS)
    await untilDoneOrCrashed(scenario.run(), runtime)
    expect(scenario.errors).toEqual([])
    expect(scenario.journal.last).toBe(5)
    await judgeImage(runtime.durableImage('everything'), scenario.journal, 5)
    await judgeImage(runtime.durableImage('synced-only'), scenario.journal, 5)
  })
})

describe('a load whose edit is on disk, and whose commit is missing from the log', () => {
  /** The power goes as soon as the edit is synced: the log ends one before the load. */
  async function crashBehindEdit(): Promise<{ runtime: ReturnType<typeof createMemoryRuntime>; journal: Journal }> {
    const runtime = createMemoryRuntime({ seed: 3 })
    const steps = STEPS.slice(0, 2)
    const clean = new Scenario(runtime, steps)
    await untilDoneOrCrashed(clean.run(), runtime)
    const syncs = runtime.calls.filter(({ operation, path }) => operation === 'sync' && path.endsWith('.manifest'))
    for (const { index } of [...syncs].reverse()) {
      const world = createMemoryRuntime({
        seed: 3,
        inject: (call) => (call.index === index ? 'crash-after' : undefined),
      })
      const scenario = new Scenario(world, steps)
      await untilDoneOrCrashed(scenario.run(), world)
      const booted = createMemoryRuntime({ files: world.durableImage('synced-only') })
      const engine = await openAt(booted)
      const isBehindEdit = engine.recoveredSequence === scenario.journal.lastPossible && scenario.journal.pending !== undefined // prettier-ignore
      await engine.close()
      if (isBehindEdit) return { runtime: world, journal: scenario.journal }
    }
    throw new Error('no call of the run was the sync of an edit of a load')
  }

  test('is recovered whole, its sequence is not given again, and a second recovery finds the same', async () => {
    const { runtime, journal } = await crashBehindEdit()
    await judgeImage(runtime.durableImage('synced-only'), journal, journal.lastPossible)
    const booted = createMemoryRuntime({ files: runtime.durableImage('synced-only') })
    const engine = await openAt(booted)
    expect(engine.recoveredSequence).toBe(journal.lastPossible)
    engine.attach({ onPublished: () => undefined, onPoisoned: () => undefined, liveSnapshots: () => [] })
    await engine.reserve(100, false)
    engine.append([put('d000', 'changed')], 100, engine.recoveredSequence + 1, 'sync')
    await engine.sync()
    // Without a clean end: what was appended behind the gap has to be replayed.
    const again = await openAt(createMemoryRuntime({ files: booted.durableImage('synced-only') }))
    expect(again.recoveredSequence).toBe(journal.lastPossible + 1)
    const found = await rowsOf(again, again.recoveredSequence)
    expect(found.find((row) => row.startsWith('d000='))).toContain('changed')
    expect(found.length).toBe(journal.rowsAt(journal.lastPossible).length)
    await again.close()
    await engine.close()
  })

  test('is shown by an opening for reading alone, which writes nothing', async () => {
    const { runtime, journal } = await crashBehindEdit()
    const booted = createMemoryRuntime({ files: runtime.durableImage('synced-only') })
    const engine = await openAt(booted, { readOnly: true })
    expect(await rowsOf(engine, engine.recoveredSequence)).toEqual(journal.rowsAt(journal.lastPossible))
    await engine.close()
  })

  test('the limits of this test make a load several tables', () => {
    const bytes = rows('d', 12).reduce((sum, { key, value }) => sum + key.length + value!.length, 0)
    expect(bytes).toBeGreaterThan(CRASH_LIMITS.tableBytesMax)
  })
})

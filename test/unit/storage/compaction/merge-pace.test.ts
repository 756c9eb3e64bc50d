import type { JobKind } from '../../../../src/storage/background'
import { MERGE_BYTES_PER_BYTE, MergeCredit } from '../../../../src/storage/compaction/merge-credit'
import { MergePace } from '../../../../src/storage/compaction/merge-pace'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'

const KiB = 1024

interface World {
  readonly credit: MergeCredit
  readonly pace: MergePace
  readonly log: string[]
  readonly set: { readonly pressed: Set<JobKind>; isWanted: boolean }
  /** Lets the clock and the turns go on, with a commit in each millisecond if it is busy. */
  readonly pass: (ms: number, isBusy: boolean) => Promise<void>
}

function create(): World {
  const runtime = createMemoryRuntime({ seed: 1, clockJumps: false })
  const log: string[] = []
  const set = { pressed: new Set<JobKind>(), isWanted: true }
  const credit = new MergeCredit(runtime.clock.monotonicMs())
  const checkWanted = (): void => {
    if (!set.isWanted) throw new Error('abandoned')
  }
  const pace = new MergePace(runtime, {
    credit,
    checkWanted,
    yieldToFlushes: async () => {
      log.push('yield')
      await runtime.scheduler.nextTurn()
      checkWanted()
    },
    isPressed: (kind) => set.pressed.has(kind),
    onSlice: () => log.push('slice'),
  })
  const pass = async (ms: number, isBusy: boolean): Promise<void> => {
    for (let i = 0; i < ms; i++) {
      if (isBusy) credit.commit(1)
      runtime.advance(1)
      for (let turn = 0; turn < 4; turn++) await runtime.scheduler.nextTurn()
    }
  }
  return { credit, pace, log, set, pass }
}

/** Whether a merge goes on after a slice of 64 KiB, while commits come. */
async function goesOn({ pace, pass }: World, isAwaited = false): Promise<{ readonly at: () => boolean }> {
  let isOver = false
  pace.merged(64 * KiB, { isAwaited }).then(
    () => (isOver = true),
    () => undefined,
  )
  await pass(10, true)
  return { at: () => isOver }
}

describe('the pace of merges', () => {
  test('without credit a merge waits, letting flushes through, until commits have granted or stop coming', async () => {
    const world = create()
    const waiting = await goesOn(world)
    expect(waiting.at()).toBe(false)
    expect(world.log.slice(0, 3)).toEqual(['slice', 'yield', 'yield'])
    world.credit.commit((64 * KiB) / MERGE_BYTES_PER_BYTE)
    await world.pass(2, true)
    expect(waiting.at()).toBe(true)
    const idle = await goesOn(world)
    expect(idle.at()).toBe(false)
    await world.pass(3, false)
    expect(idle.at()).toBe(true)
  })

  test('a merge that a caller, commits or level 0 wait for does not wait itself', async () => {
    const world = create()
    expect((await goesOn(world, true)).at()).toBe(true)
    const pressed = await goesOn(world)
    expect(pressed.at()).toBe(false)
    world.set.pressed.add('flush')
    await world.pass(2, true)
    expect(pressed.at()).toBe(false)
    world.set.pressed.add('compaction')
    await world.pass(2, true)
    expect(pressed.at()).toBe(true)
  })

  test('a merge that is not wanted any more ends while it waits', async () => {
    const world = create()
    let failure: unknown
    world.pace.merged(64 * KiB, { isAwaited: false }).catch((error: unknown) => (failure = error))
    await world.pass(5, true)
    expect(failure).toBeUndefined()
    world.set.isWanted = false
    await world.pass(3, true)
    expect(String(failure)).toMatch(/abandoned/)
  })

  test('a flush waits for credit too, so that it takes no more of the machine than commits pay for, unless memory fills', async () => {
    const { pace, credit, log, set, pass } = create()
    credit.commit(10 * KiB)
    let slices = 0
    const flush = async (): Promise<void> => {
      for (; slices < 3; slices++) await pace.flushed(64 * KiB)
    }
    const flushing = flush()
    await pass(10, true)
    expect([slices, log]).toEqual([0, ['slice']])
    expect(credit.debtBytes).toBe(0)
    credit.commit((64 * KiB) / MERGE_BYTES_PER_BYTE)
    await pass(2, true)
    expect([slices, log]).toEqual([1, ['slice', 'slice']])
    set.pressed.add('compaction')
    await pass(10, true)
    expect(slices).toBe(1)
    set.pressed.add('flush')
    await pass(10, true)
    await flushing
    expect(slices).toBe(3)
  })

  test('a flush that is not wanted any more ends, before it waits and while it does', async () => {
    const { pace, set, pass } = create()
    let failure: unknown
    pace.flushed(64 * KiB).catch((error: unknown) => (failure = error))
    await pass(5, true)
    expect(failure).toBeUndefined()
    set.isWanted = false
    await pass(3, true)
    expect(String(failure)).toMatch(/abandoned/)
    await expect(pace.flushed(1)).rejects.toThrow(/abandoned/)
  })
})

import { RestWatch } from '../../../../src/storage/compaction/rest-watch'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'

interface World {
  readonly watch: RestWatch
  readonly write: () => void
  readonly rests: () => number
  readonly pass: (ms: number) => Promise<void>
}

function create(): World {
  const runtime = createMemoryRuntime({ seed: 1, clockJumps: false })
  let [sequence, rests] = [0, 0]
  const watch = new RestWatch(runtime, { restMs: 100, appendedSequence: () => sequence, onRest: () => rests++ })
  const pass = async (ms: number): Promise<void> => {
    runtime.advance(ms)
    for (let i = 0; i < 5; i++) await runtime.scheduler.nextTurn()
  }
  return { watch, write: () => sequence++, rests: () => rests, pass }
}

describe('the watch for rest', () => {
  test('tells once that nothing has been written for so long', async () => {
    const { watch, rests, pass } = create()
    expect(watch.isAtRest).toBe(false)
    watch.arm()
    await pass(90)
    expect([watch.isAtRest, rests()]).toEqual([false, 0])
    await pass(20)
    expect([watch.isAtRest, rests()]).toEqual([true, 1])
    watch.arm()
    await pass(1000)
    expect(rests()).toBe(1)
  })

  test('goes on watching while something is written, and rest ends with the next write', async () => {
    const { watch, write, rests, pass } = create()
    watch.arm()
    for (let i = 0; i < 5; i++) {
      await pass(60)
      write()
    }
    expect(rests()).toBe(0)
    await pass(110)
    await pass(110)
    expect([watch.isAtRest, rests()]).toEqual([true, 1])
    write()
    expect(watch.isAtRest).toBe(false)
    watch.arm()
    await pass(110)
    expect([watch.isAtRest, rests()]).toEqual([true, 2])
  })

  test('ends when it is closed', async () => {
    const { watch, rests, pass } = create()
    watch.arm()
    watch.close()
    await pass(1000)
    expect(rests()).toBe(0)
  })
})

/** The contract of clock, random numbers, turns, timers and fault points. */
import type { ContractWorld } from './world'

/** Tests of one implementation; `world` gives the fresh one of the running test. */
export function schedulerContract(world: () => ContractWorld): void {
  const scheduler = () => world().runtime.scheduler

  /** Turns until `condition` holds; what never comes ends in jest's time limit. */
  const turnsUntil = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await scheduler().nextTurn()
  }

  test('the monotonic clock never goes back', () => {
    const { clock } = world().runtime
    let last = clock.monotonicMs()
    for (let look = 0; look < 1000; look++) {
      const now = clock.monotonicMs()
      expect(now).toBeGreaterThanOrEqual(last)
      last = now
    }
  })

  test('the wall clock counts milliseconds since 1970', () => {
    const now = world().runtime.clock.wallMs()
    expect(Number.isInteger(now)).toBe(true)
    expect(new Date(now).getUTCFullYear()).toBeGreaterThanOrEqual(2023)
  })

  test('random numbers lie in their ranges and differ', () => {
    const { random } = world().runtime
    const integers = Array.from({ length: 2000 }, () => random.u32())
    const fractions = Array.from({ length: 2000 }, () => random.fraction())
    expect(integers.every((value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32)).toBe(true)
    expect(fractions.every((value) => value >= 0 && value < 1)).toBe(true)
    expect(new Set(integers).size).toBeGreaterThan(1990)
    expect(Math.max(...fractions) - Math.min(...fractions)).toBeGreaterThan(0.9)
  })

  test('afterMicrotasks runs after promise jobs queued before and after it, called from a promise job', async () => {
    const log: string[] = []
    await Promise.resolve()
    void Promise.resolve().then(() => log.push('before'))
    scheduler().afterMicrotasks(() => log.push('dry'))
    let chain = Promise.resolve()
    for (let hop = 0; hop < 50; hop++) chain = chain.then(() => undefined)
    void chain.then(() => log.push('fifty hops later'))
    await turnsUntil(() => log.includes('dry'))
    expect(log).toEqual(['before', 'fifty hops later', 'dry'])
  })

  test('afterMicrotasks runs after promise jobs, called from the body of a timer', async () => {
    const log: string[] = []
    scheduler().after(0, () => {
      scheduler().afterMicrotasks(() => log.push('dry'))
      void Promise.resolve()
        .then(() => undefined)
        .then(() => log.push('promise job'))
      log.push('body')
    })
    await turnsUntil(() => log.includes('dry'))
    expect(log).toEqual(['body', 'promise job', 'dry'])
  })

  test('afterMicrotasks runs after promise jobs, called from the body of another', async () => {
    const log: string[] = []
    scheduler().afterMicrotasks(() => {
      scheduler().afterMicrotasks(() => log.push('dry'))
      void Promise.resolve().then(() => log.push('promise job'))
    })
    await turnsUntil(() => log.includes('dry'))
    expect(log).toEqual(['promise job', 'dry'])
  })

  test('afterMicrotasks keeps the order of its calls and comes before the next turn', async () => {
    const log: string[] = []
    const turn = scheduler()
      .nextTurn()
      .then(() => log.push('turn'))
    for (const name of ['a', 'b', 'c']) scheduler().afterMicrotasks(() => log.push(name))
    expect(log).toEqual([])
    await turn
    expect(log).toEqual(['a', 'b', 'c', 'turn'])
  })

  test('nextTurn resolves after the microtasks of this turn', async () => {
    let isDry = false
    void Promise.resolve()
      .then(() => undefined)
      .then(() => (isDry = true))
    await scheduler().nextTurn()
    expect(isDry).toBe(true)
  })

  test('code that yields by nextTurn alone lets timers run', async () => {
    let fired = false
    scheduler().after(1, () => (fired = true))
    await turnsUntil(() => fired)
  })

  test('code that yields by nextTurn alone lets I/O complete', async () => {
    let size: number | undefined
    void world()
      .runtime.files.list(world().directory)
      .then((names) => (size = names.length))
    await turnsUntil(() => size !== undefined)
    expect(size).toBe(0)
  })

  test('timers fire once, not within the call, the shorter before the longer', async () => {
    const log: string[] = []
    scheduler().after(40, () => log.push('later'), { keepAlive: true })
    scheduler().after(1, () => log.push('sooner'), { keepAlive: true })
    expect(log).toEqual([])
    await turnsUntil(() => log.includes('later'))
    for (let turn = 0; turn < 5; turn++) await scheduler().nextTurn()
    expect(log).toEqual(['sooner', 'later'])
  })

  test('a timer fires when its time has come and not before', async () => {
    const { clock } = world().runtime
    const startMs = clock.monotonicMs()
    const firedMs = await new Promise<number>((resolve) => {
      scheduler().after(20, () => resolve(clock.monotonicMs()), { keepAlive: true })
    })
    // Node's timers count whole milliseconds of a clock read earlier in the turn.
    expect(firedMs - startMs).toBeGreaterThan(18)
  })

  test('a cancelled timer never fires, and cancelling again or too late does nothing', async () => {
    const log: string[] = []
    const cancelled = scheduler().after(1, () => log.push('cancelled'))
    cancelled.cancel()
    cancelled.cancel()
    const fired = scheduler().after(5, () => log.push('fired'))
    await turnsUntil(() => log.length > 0)
    fired.cancel()
    expect(log).toEqual(['fired'])
  })

  test('fault points that nobody watches do nothing', () => {
    expect(() => world().runtime.faults.reach('contract.any-place')).not.toThrow()
  })
}

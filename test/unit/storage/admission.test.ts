import { StalledError } from '../../../src/base/errors'
import { Admission } from '../../../src/storage/admission'
import type { AdmissionState } from '../../../src/storage/admission-rule'
import type { EngineEvent } from '../../../src/storage/engine'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'

interface Settable {
  admission: Admission
  state: { -readonly [K in keyof AdmissionState]: AdmissionState[K] }
  events: EngineEvent[]
  advance: (ms: number) => void
}

function create(): Settable {
  const runtime = createMemoryRuntime({ seed: 1, clockJumps: false })
  const state: Settable['state'] = { kind: undefined, cause: undefined, failure: undefined }
  const events: EngineEvent[] = []
  const admission = new Admission(runtime, {
    state: (admittedBytes) => (admittedBytes >= 1000 ? { ...state, cause: 'full' } : state),
    onEvent: (event) => events.push(event),
  })
  return { admission, state, events, advance: (ms) => runtime.advance(ms) }
}

describe('admission', () => {
  test('lets commits in at once while work keeps up', () => {
    const { admission } = create()
    expect(admission.enter(10)).toBeUndefined()
    expect(admission.figures()).toEqual({ count: 0, totalMs: 0, longestMs: 0, countByKind: { mergeDebt: 0, memtables: 0, levelZero: 0 }, cause: undefined }) // prettier-ignore
  })

  test('makes them wait in order until work has gone on, and counts the waits', async () => {
    const { admission, state, events, advance } = create()
    state.kind = 'levelZero'
    state.cause = 'tables wait'
    const order: number[] = []
    const first = admission.enter(10)!.then(() => order.push(1))
    advance(10)
    const second = admission.enter(10)!.then(() => order.push(2))
    expect(admission.figures().cause).toBe('tables wait')
    admission.recheck()
    state.cause = undefined
    state.kind = undefined
    // Nobody overtakes those who wait.
    const third = admission.enter(10)!.then(() => order.push(3))
    advance(5)
    admission.recheck()
    await Promise.all([first, second, third])
    expect(order).toEqual([1, 2, 3])
    const { count, totalMs, longestMs, countByKind, cause } = admission.figures()
    expect(countByKind).toEqual({ mergeDebt: 0, memtables: 0, levelZero: 2 })
    expect([count, Math.round(totalMs), Math.round(longestMs), cause]).toEqual([3, 25, 15, undefined])
    expect(events).toEqual([{ type: 'stall', cause: 'tables wait', ms: expect.closeTo(15, 0) as number }])
  })

  test('refuses with the cause where the work that would end the wait fails', async () => {
    const { admission, state } = create()
    state.cause = 'tables wait'
    const waiting = admission.enter(10)!
    const failure = new Error('EIO')
    state.failure = failure
    admission.recheck()
    await expect(waiting).rejects.toThrow(StalledError)
    await expect(waiting).rejects.toMatchObject({ cause: failure })
    expect(() => admission.enter(10)).toThrow(/tables wait.*EIO/)
  })

  test('a failure matters only while somebody would have to wait for it', () => {
    const { admission, state } = create()
    state.failure = new Error('EIO')
    expect(admission.enter(10)).toBeUndefined()
  })

  test('what was let in counts until it has been appended: the end of a wait lets in no more than there is room for', async () => {
    const { admission, state } = create()
    state.cause = 'tables wait'
    const order: number[] = []
    const waiting = [1, 2, 3, 4].map((name) => admission.enter(500)!.then(() => order.push(name)))
    state.cause = undefined
    admission.recheck()
    await Promise.all(waiting.slice(0, 2))
    expect(order).toEqual([1, 2])
    admission.leave(500)
    admission.recheck()
    await waiting[2]
    admission.leave(1000)
    admission.recheck()
    await waiting[3]
    expect(order).toEqual([1, 2, 3, 4])
    expect(() => admission.leave(501)).toThrow(/no more leaves/)
  })

  test('refuses everybody when the engine ends', async () => {
    const { admission, state } = create()
    state.cause = 'tables wait'
    const waiting = [admission.enter(10)!, admission.enter(10)!]
    admission.refuse(new Error('closed'))
    for (const one of waiting) await expect(one).rejects.toThrow('closed')
  })
})

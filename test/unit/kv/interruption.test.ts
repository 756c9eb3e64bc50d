/**
 * A time budget or a signal ends a wait, once, and a wait that cannot be stopped goes on.
 */
import { AbortedError, InvalidArgumentError, TimeoutError } from '../../../src/base/errors'
import { Interruption, checkSignal } from '../../../src/kv/interruption'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'

const never = new Promise<never>(() => undefined)

describe('an interruption', () => {
  test('ends a wait when the time is over', async () => {
    const interruption = new Interruption(createMemoryRuntime(), {
      timeoutMs: 50,
      signal: undefined,
      what: 'transact "pay"',
    })
    const stopped: Error[] = []
    const waiting = interruption.during(never, (error) => stopped.push(error) > 0)
    await expect(waiting).rejects.toThrow(TimeoutError)
    await expect(waiting).rejects.toThrow('Cannot finish transact "pay" in 50 ms')
    expect(stopped).toHaveLength(1)
    expect(() => interruption.check()).toThrow(TimeoutError)
  })

  test('ends a wait when the signal fires, with its reason as the cause', async () => {
    const controller = new AbortController()
    const interruption = new Interruption(createMemoryRuntime(), { timeoutMs: undefined, signal: controller.signal, what: 'transact' }) // prettier-ignore
    const waiting = interruption.during(never, () => true)
    const reason = new Error('the user left')
    controller.abort(reason)
    await expect(waiting).rejects.toThrow(AbortedError)
    await expect(waiting).rejects.toMatchObject({ cause: reason })
  })

  test('of a signal that has fired already ends the next wait at once', async () => {
    const interruption = new Interruption(createMemoryRuntime(), {
      timeoutMs: 5,
      signal: AbortSignal.abort(),
      what: 'transact',
    })
    await expect(interruption.during(never, () => true)).rejects.toThrow(AbortedError)
  })

  test('waits on for what cannot be stopped', async () => {
    const controller = new AbortController()
    const interruption = new Interruption(createMemoryRuntime(), { timeoutMs: undefined, signal: controller.signal, what: 'transact' }) // prettier-ignore
    let finish = (_: string): void => undefined
    const decided = new Promise<string>((resolve) => {
      finish = resolve
    })
    const waiting = interruption.during(decided, () => false)
    controller.abort()
    finish('committed')
    await expect(waiting).resolves.toBe('committed')
  })

  test('disposed of, it interrupts nothing any more', async () => {
    const controller = new AbortController()
    const runtime = createMemoryRuntime()
    const interruption = new Interruption(runtime, { timeoutMs: 5, signal: controller.signal, what: 'transact' })
    await expect(interruption.during(Promise.resolve(7), () => true)).resolves.toBe(7)
    interruption.dispose()
    controller.abort()
    await new Promise<void>((resolve) => void runtime.scheduler.after(10, resolve))
    expect(() => interruption.check()).not.toThrow()
  })
})

test.each([null, true, 'abort', {}, { aborted: 'no' }, new AbortController()])('%p is no signal', (value) => {
  expect(() => checkSignal(value)).toThrow(InvalidArgumentError)
})

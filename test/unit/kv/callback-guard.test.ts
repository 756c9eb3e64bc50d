/**
 * The wrong handle inside a callback is noticed: in the synchronous part always, across awaits with the full guards.
 */
import { MisuseError } from '../../../src/base/errors'
import { CallbackGuard } from '../../../src/kv/callback-guard'

describe.each(['standard', 'full'] as const)('the %s guard', (guards) => {
  test('refuses in the synchronous part of the callback, and allows before and after', async () => {
    const guard = new CallbackGuard(guards)
    expect(() => guard.check('put')).not.toThrow()
    const running = guard.run(() => {
      expect(() => guard.check('put')).toThrow(MisuseError)
      expect(() => guard.check('put')).toThrow(/use tx\.put of the callback's argument/)
      expect(() => guard.check('transact')).toThrow(/pass the callback's "tx" on instead/)
    }, undefined)
    await running
    expect(() => guard.check('put')).not.toThrow()
  })

  test('is free again after a callback that throws', async () => {
    const guard = new CallbackGuard(guards)
    const run = async (): Promise<unknown> =>
      guard.run(() => {
        throw new Error('mine')
      }, undefined)
    await expect(run()).rejects.toThrow('mine')
    expect(() => guard.check('put')).not.toThrow()
  })

  test('does not take another guard for itself', async () => {
    const [one, other] = [new CallbackGuard(guards), new CallbackGuard(guards)]
    await one.run(() => expect(() => other.check('put')).not.toThrow(), undefined)
  })
})

describe('across awaits', () => {
  test('the full guard still refuses, the standard one cannot see it', async () => {
    for (const guards of ['full', 'standard'] as const) {
      const guard = new CallbackGuard(guards)
      const seen: unknown[] = []
      await guard.run(async () => {
        await Promise.resolve()
        try {
          guard.check('put')
        } catch (error) {
          seen.push(error)
        }
      }, undefined)
      expect(seen).toHaveLength(guards === 'full' ? 1 : 0)
    }
  })

  test('work that outlives its callback is free', async () => {
    const guard = new CallbackGuard('full')
    let outlived: Promise<void> | undefined
    await guard.run(() => {
      outlived = new Promise<void>((resolve) => setImmediate(resolve)).then(() => guard.check('put'))
    }, undefined)
    await expect(outlived).resolves.toBeUndefined()
  })
})

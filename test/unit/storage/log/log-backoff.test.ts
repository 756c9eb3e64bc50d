/** Pauses after failures in a row. */
import { createLimits } from '../../../../src/base/limits'
import { Backoff } from '../../../../src/storage/log/log-backoff'

test('each failure in a row doubles the pause up to the limit, a success ends it', () => {
  let now = 0
  const clock = { monotonicMs: () => now, wallMs: () => 0 }
  const backoff = new Backoff(clock, createLimits({ backoffMsMin: 10, backoffMsMax: 35 }))
  expect(backoff.isWaiting).toBe(false)
  const cause = new Error('full')
  const pauses = [10, 20, 35, 35]
  for (const pause of pauses) {
    backoff.failed(cause)
    now += pause - 1
    expect(backoff.isWaiting).toBe(true)
    now += 1
    expect(backoff.isWaiting).toBe(false)
    expect(backoff.cause).toBe(cause)
  }
  backoff.succeeded()
  expect(backoff.cause).toBeUndefined()
  backoff.failed(cause)
  now += 10
  expect(backoff.isWaiting).toBe(false)
})

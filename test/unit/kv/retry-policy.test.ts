/**
 * What follows a loss: at once, with jitter, under the gate, or the end.
 */
import { decideRetry } from '../../../src/kv/retry-policy'
import type { RetryPolicy } from '../../../src/kv/retry-policy'

const policy: RetryPolicy = { attemptsMax: 10, starvationLossesMax: 5, retryMsMin: 2, retryMsMax: 10, readOnly: false }

describe('the retry policy', () => {
  test('the first retry comes at once', () => {
    expect(decideRetry(1, policy, 0.9)).toEqual({ kind: 'again', pauseMs: 0, underGate: false })
  })

  test('later ones pause for a random part of a bound that doubles up to its greatest', () => {
    const bounds = [2, 3, 4].map((losses) => decideRetry(losses, { ...policy, starvationLossesMax: 9 }, 0.5))
    expect(bounds).toEqual([1, 2, 4].map((pauseMs) => ({ kind: 'again', pauseMs, underGate: false })))
    expect(decideRetry(8, { ...policy, starvationLossesMax: 9 }, 0.5)).toEqual({ kind: 'again', pauseMs: 5, underGate: false }) // prettier-ignore
    expect(decideRetry(4, policy, 0)).toEqual({ kind: 'again', pauseMs: 0, underGate: false })
  })

  test('after enough losses the gate is taken', () => {
    expect(decideRetry(5, policy, 0.5)).toEqual({ kind: 'again', pauseMs: 0, underGate: true })
    expect(decideRetry(9, policy, 0.5)).toEqual({ kind: 'again', pauseMs: 0, underGate: true })
  })

  test('at the last attempt it gives up', () => {
    expect(decideRetry(10, policy, 0.5)).toEqual({ kind: 'give-up' })
    expect(decideRetry(1, { ...policy, attemptsMax: 1 }, 0.5)).toEqual({ kind: 'give-up' })
  })

  test('a declared reader always waits, and never takes the gate', () => {
    expect(decideRetry(1, { ...policy, readOnly: true }, 0.5)).toEqual({ kind: 'again', pauseMs: 1, underGate: false })
    expect(decideRetry(9, { ...policy, readOnly: true }, 0.5)).toEqual({ kind: 'again', pauseMs: 5, underGate: false })
  })
})

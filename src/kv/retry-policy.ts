/**
 * What `transact` does after a loss: try again at once, after a pause, under the commit gate, or give up.
 *
 * The first retry of a read-write transaction is immediate: what beat it is decided, so it begins above it. Later ones wait
 * with full jitter (a random part of a bound that doubles), so that losers do not meet again in step. After
 * `starvationLossesMax` losses the gate is taken, under which nothing can win against it. A declared reader begins
 * at the newest *published* sequence, which may still lie below what beat it: it always waits. Pure.
 *
 * Pinned by test/unit/kv/retry-policy.test.ts.
 */

/** The numbers that rule it. Times in milliseconds. */
export interface RetryPolicy {
  readonly attemptsMax: number
  readonly starvationLossesMax: number
  readonly retryMsMin: number
  readonly retryMsMax: number
  readonly readOnly: boolean
}

/** The decision. */
export type RetryStep =
  { readonly kind: 'give-up' } | { readonly kind: 'again'; readonly pauseMs: number; readonly underGate: boolean }

/** What follows loss number `losses` (from 1); `fraction` in [0, 1) is the jitter. */
export function decideRetry(losses: number, policy: RetryPolicy, fraction: number): RetryStep {
  if (losses >= policy.attemptsMax) return { kind: 'give-up' }
  if (policy.readOnly) return { kind: 'again', pauseMs: jitter(losses, policy, fraction), underGate: false }
  if (losses >= policy.starvationLossesMax) return { kind: 'again', pauseMs: 0, underGate: true }
  return { kind: 'again', pauseMs: losses === 1 ? 0 : jitter(losses - 1, policy, fraction), underGate: false }
}

/** A random part of `retryMsMin * 2^(round - 1)`, at most of `retryMsMax`. */
function jitter(round: number, policy: RetryPolicy, fraction: number): number {
  return fraction * Math.min(policy.retryMsMax, policy.retryMsMin * 2 ** Math.min(round - 1, 30))
}

/** As every-io-call.test.ts, with every kind of failure and several orders of events. */
import { failEveryCall } from './fail-every-call'

const FAILURES = ['EIO', 'ENOSPC', 'EMFILE', 'EIO-after', 'short-write', 'crash-before', 'crash-after'] as const
const SEEDS = [1, 2, 3, 4, 5]

describe.each(SEEDS)('a failure at every I/O call, in the order of seed %p', (seed) => {
  test.each(FAILURES)('%s: the live instance and every reboot are right', (failure) => failEveryCall(failure, seed))
})

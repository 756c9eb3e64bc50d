/** A failure at every I/O call of a fixed run of commits, flushes, merges and reopenings (fail-every-call.ts). */
import { failEveryCall } from './fail-every-call'

describe('a failure at every I/O call', () => {
  test.each(['EIO', 'ENOSPC', 'crash-before', 'crash-after'] as const)(
    '%s: the live instance and every reboot are right',
    (failure) => failEveryCall(failure, 1),
  )
})

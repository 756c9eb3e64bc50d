/** Jobs for the tests of background workers: small things that show what a worker does for a job and to it. */
import fs from 'node:fs'
import { InvariantError } from '../../src/base/assert'
import { CorruptionError, DiskFullError, IoError, UnsupportedFormatError } from '../../src/base/errors'
import type { PerformJob } from '../../src/runtime/runtime'

/** What a job is told to do; `file` is where it leaves a mark. */
export interface TestJob {
  readonly what: 'sum' | 'slices' | 'fail' | 'clean-up' | 'die' | 'out-of-memory'
  readonly count?: number
  readonly error?: keyof typeof ERRORS
  readonly file?: string
}

/** Errors by name, made where the job runs. */
export const ERRORS = {
  io: () => new IoError('Cannot write "f": EIO: i/o error', 'write', 'f', Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })),
  diskFull: () => new DiskFullError('Cannot write "f": no space', { cause: Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC' }) }),
  corruption: () => new CorruptionError('Cannot read f at offset 12: torn', 'f', 12),
  unsupportedFormat: () => new UnsupportedFormatError('Cannot read f: format 9'),
  invariant: () => new InvariantError('keys ascend'),
  other: () => new TypeError('undefined is not a function'),
} as const // prettier-ignore

/** Does a `TestJob`. */
export const performTestJob: PerformJob = async (runtime, data, hands) => {
  const job = data as TestJob
  const slices = async (): Promise<number> => {
    for (let i = 0; i < (job.count ?? 0); i++) {
      await runtime.scheduler.nextTurn()
      await hands.between(300_000)
    }
    return job.count ?? 0
  }
  switch (job.what) {
    case 'sum': {
      let sum = 0
      for (;;) {
        const piece = (await hands.next()) as Uint32Array | undefined
        if (piece === undefined) return sum
        for (const number of piece) sum += number
      }
    }
    case 'slices':
      return slices()
    case 'fail':
      await slices()
      throw ERRORS[job.error!]()
    case 'clean-up':
      try {
        return await slices()
      } finally {
        fs.writeFileSync(job.file!, 'cleaned up')
      }
    case 'die':
      await slices()
      return process.exit(7)
    case 'out-of-memory':
      for (const hoard: unknown[] = []; ;) hoard.push(new Array(1_000_000).fill(hoard.length))
  }
}

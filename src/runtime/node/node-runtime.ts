/**
 * The real world behind the door: this machine's clock, random numbers, event loop, files and threads.
 *
 * Only the composition roots (open.ts, worker.ts) and tests import anything from this folder.
 */
import { randomFillSync } from 'node:crypto'
import type { Random, Runtime } from '../runtime'
import { openBackgroundWorker } from './background-worker'
import { createNodeFiles } from './node-files'
import { createNodeScheduler } from './node-scheduler'
import { findFreshWorkerFile } from './worker-file'

/** What tests vary. */
export interface NodeRuntimeOptions {
  /** The compiled thread entry; found beside the package if left out. */
  readonly workerFile?: string | undefined
}

/** The runtime of a process on a real machine. Holds nothing: there is nothing to close. */
export function createNodeRuntime(options: NodeRuntimeOptions = {}): Runtime {
  const runtime: Runtime = {
    clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
    random: createRandom(),
    scheduler: createNodeScheduler(),
    files: createNodeFiles({ workerFile: options.workerFile }),
    workers: {
      open: (mode, perform) => {
        const workerFile = options.workerFile ?? findFreshWorkerFile()
        return openBackgroundWorker({ runtime, mode, workerFile }, perform)
      },
    },
    faults: { reach: () => undefined },
  }
  return runtime
}

/** Numbers drawn from the system's generator, a pool at a time: nonces must differ between processes started together. */
function createRandom(): Random {
  const pool = new Uint32Array(256)
  let next = pool.length
  const u32 = (): number => {
    if (next === pool.length) {
      randomFillSync(pool)
      next = 0
    }
    return pool[next++]!
  }
  return { u32, fraction: () => u32() / 2 ** 32 }
}

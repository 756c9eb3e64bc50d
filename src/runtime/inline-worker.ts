/**
 * The background worker of runtimes without threads: jobs run on the calling thread, slice by slice.
 *
 * The same function does the job here as in a thread; between two slices it waits for whatever its caller wants done first.
 * Pinned by test/unit/runtime/background-worker.test.ts.
 */
import type { BackgroundJob, BackgroundWorker, PerformJob, Runtime } from './runtime'

/** A worker that does its jobs by `perform`, here. */
export function createInlineWorker(runtime: Runtime, perform: PerformJob): BackgroundWorker {
  return {
    mode: 'inline',
    start: () => undefined,
    run: async (job) => perform(runtime, job.data, handsOf(job)),
    close: () => Promise.resolve(),
  }
}

function handsOf(job: BackgroundJob): Parameters<PerformJob>[2] {
  return {
    between: async (bytes) => job.onProgress(bytes),
    next: async () => job.feed?.(),
  }
}

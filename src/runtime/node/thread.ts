/** What a background thread was started with: the one thing src/worker.ts needs of `node:worker_threads`. */
import { workerData } from 'node:worker_threads'

/** The data given to this thread by the code that started it; of unknown shape until its `kind` is looked at. */
export function threadData(): unknown {
  return workerData
}

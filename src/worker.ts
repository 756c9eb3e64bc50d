/**
 * Composition root of a background thread: does the kind of work that the thread was started for.
 *
 * The build bundles this file into dist/worker.js, which the package finds from its own root. Kinds: 'io', a thread that
 * writes and syncs the log (src/runtime/node/io-thread-entry.ts); 'merge', one that does the byte work of flushes and merges
 * (src/runtime/node/job-thread-entry.ts).
 */
import { assert } from './base/assert'
import type { IoThreadData } from './runtime/node/io-control'
import { serveIoThread } from './runtime/node/io-thread-entry'
import type { JobThreadData } from './runtime/node/job-messages'
import { serveJobThread } from './runtime/node/job-thread-entry'
import { threadData } from './runtime/node/thread'
import { performByteJob } from './storage/compaction/byte-jobs'

const data = threadData()
assert(typeof data === 'object' && data !== null && 'kind' in data, 'a thread is told what kind of work it is for')
assert(data.kind === 'io' || data.kind === 'merge', 'the kind of work of a thread is known')
if (data.kind === 'io') serveIoThread(data as IoThreadData)
else serveJobThread(data as JobThreadData, performByteJob)

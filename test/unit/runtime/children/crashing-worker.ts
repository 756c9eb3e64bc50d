/** A thread entry that is the real one until the first sync, in which the thread ends. */
import fs from 'node:fs'
import type { IoThreadData } from '../../../../src/runtime/node/io-control'
import { serveIoThread } from '../../../../src/runtime/node/io-thread-entry'
import { threadData } from '../../../../src/runtime/node/thread'

fs.fdatasyncSync = () => process.exit(7)
serveIoThread(threadData() as IoThreadData)

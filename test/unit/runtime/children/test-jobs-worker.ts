/** A thread entry that does test jobs instead of the store's. */
import type { JobThreadData } from '../../../../src/runtime/node/job-messages'
import { serveJobThread } from '../../../../src/runtime/node/job-thread-entry'
import { threadData } from '../../../../src/runtime/node/thread'
import { performTestJob } from '../../../support/test-jobs'

serveJobThread(threadData() as JobThreadData, performTestJob)

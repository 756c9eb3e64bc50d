/**
 * A process of its own for the tests of background workers: `node background-child.js <what> <worker file>`.
 *
 * It writes one line for each thing that happened.
 */
import fs from 'node:fs'
import { createNodeRuntime } from '../../../../src/runtime/node/node-runtime'
import { performTestJob } from '../../../support/test-jobs'

const [what = '', workerFile = ''] = process.argv.slice(2)
const worker = createNodeRuntime({ workerFile }).workers.open('thread', performTestJob)
const run = (count: number): Promise<unknown> =>
  worker.run({ data: { what: 'slices', count }, isUrgent: false, onProgress: () => undefined })
const say = (line: string): void => void fs.writeSync(1, `${line}\n`)

async function main(): Promise<void> {
  if (what === 'idle') {
    await run(1)
    say(`idle ${worker.mode}`)
  } else if (what === 'pending') {
    // Nothing but the pending job holds the process.
    void run(300).then((slices) => say(`done ${String(slices)}`))
  } else {
    await run(1)
    await worker.close()
    say('closed')
  }
}
void main()

/**
 * 0064: a background thread kept what its first job had flushed for as long as it lived: the error for its death was made ahead, and an
 * error keeps the functions of its stack. After a flush the memtable stayed, 64 MiB of heap for a million rows.
 */
import fs from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createNodeRuntime } from '../../src/runtime/node/node-runtime'
import type { BackgroundWorker } from '../../src/runtime/runtime'
import { compileEntry, createTemporaryDirectory } from '../contract/runtime/world'
import { performTestJob } from '../support/test-jobs'

const root = createTemporaryDirectory()
const workerFile = compileEntry('test/unit/runtime/children/test-jobs-worker.ts', root)
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))

/** Runs a job out of a function that holds on to something. */
async function runHolding(worker: BackgroundWorker): Promise<WeakRef<object>> {
  const held = { flushed: new Uint8Array(1024) }
  const run = (): Promise<unknown> => {
    const bytes = held.flushed.length
    return worker.run({
      data: { what: 'slices', count: bytes === 0 ? 2 : 1 },
      isUrgent: false,
      onProgress: () => undefined,
    })
  }
  await run()
  return new WeakRef(held)
}

test('a background thread lets go of its first job', async () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const worker = createNodeRuntime({ workerFile }).workers.open('thread', performTestJob)
  try {
    const held = await runHolding(worker)
    // A weak reference holds until the turn in which it was made has ended.
    for (let turn = 0; turn < 5 && held.deref() !== undefined; turn++) {
      await new Promise((resolve) => setImmediate(resolve))
      collectGarbage()
    }
    expect(held.deref()).toBeUndefined()
  } finally {
    await worker.close()
  }
})

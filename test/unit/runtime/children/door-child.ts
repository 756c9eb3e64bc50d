/**
 * A process of its own for the tests of the real runtime: `node door-child.js <what> <directory> <worker file>`.
 *
 * It writes one line for each thing that happened; the tests read them, end the process, or wait for its end.
 */
import fs from 'node:fs'
import { createNodeRuntime } from '../../../../src/runtime/node/node-runtime'
import type { IoThread } from '../../../../src/runtime/runtime'

const [what = '', directory = '', workerFile = ''] = process.argv.slice(2)
const runtime = createNodeRuntime({ workerFile })

function say(line: string): void {
  fs.writeSync(1, `${line}\n`)
}

async function openLog(): Promise<{ thread: IoThread; submit: (done: (error: Error | undefined) => void) => void }> {
  const thread = await runtime.files.openIoThread('thread')
  const file = await runtime.files.open(runtime.files.join(directory, 'log'), 'create')
  const bytes = thread.allocate(4096).fill(1)
  say(`mode ${thread.mode}`)
  return { thread, submit: (done) => thread.submit({ file, bytes, position: 0, sync: true }, done) }
}

const actions: Readonly<Record<string, () => Promise<void>>> = {
  /** Holds the lock until killed. */
  lock: async () => {
    await runtime.files.lock(directory, 'exclusive')
    say('locked')
    setInterval(() => undefined, 1000)
  },
  /** Holds the lock and nothing else: the process should end by itself. */
  'lock-idle': async () => {
    await runtime.files.lock(directory, 'exclusive')
    say('locked')
  },
  /** Leaves an open thread idle: the process should end by itself. */
  idle: async () => {
    const { submit } = await openLog()
    await new Promise<void>((resolve) => submit(() => resolve()))
    say('idle')
  },
  /** Leaves nothing but a pending request: the process must stay until it is answered. */
  pending: async () => {
    const { submit } = await openLog()
    submit((error) => say(`answered ${String(error)}`))
  },
  /** Many in a row, each submitted by the answer of the last, and nothing else. */
  chain: async () => {
    const { submit } = await openLog()
    let left = 200
    const next = (): void => {
      if (left-- > 0) submit(next)
      else say('chained')
    }
    next()
  },
  /** A pending timer that does not hold the process, and one that does. */
  timers: async () => {
    runtime.scheduler.after(600_000, () => say('never'))
    runtime.scheduler.after(1, () => say('kept'), { keepAlive: true })
  },
  /** Allocates a GiB piece by piece and writes some of each: run with --expose-gc. */
  forget: async () => {
    const thread = await runtime.files.openIoThread('thread')
    const file = await runtime.files.open(runtime.files.join(directory, 'log'), 'create')
    const collect = (globalThis as unknown as { gc: () => void }).gc
    const before = process.memoryUsage.rss()
    for (let round = 0; round < 64; round++) {
      // Filled, so that it takes up room.
      const bytes = thread.allocate(16 * 1024 * 1024).fill(1)
      await new Promise<void>((resolve) => {
        thread.submit({ file, bytes: bytes.subarray(0, 10), position: 0, sync: false }, () => resolve())
      })
      collect()
      await runtime.scheduler.nextTurn()
    }
    say(`grown ${process.memoryUsage.rss() - before < 512 * 1024 * 1024 ? 'little' : 'without bound'}`)
    await thread.close()
  },
}

void actions[what]?.().catch((error: unknown) => {
  say(`failed ${String(error)}`)
  process.exitCode = 1
})

/** Background workers: what every kind does for a job, and what only a thread can show (dying, holding the process alive). */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { IoError } from '../../../src/base/errors'
import { jobProtocolVersion } from '../../../src/runtime/node/job-messages'
import { createNodeRuntime } from '../../../src/runtime/node/node-runtime'
import { WORKER_DIED } from '../../../src/runtime/runtime'
import type { BackgroundJob, BackgroundWorker } from '../../../src/runtime/runtime'
import { compileEntry, createTemporaryDirectory } from '../../contract/runtime/world'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { ERRORS, performTestJob } from '../../support/test-jobs'
import type { TestJob } from '../../support/test-jobs'

const root = createTemporaryDirectory()
const workerFile = compileEntry('test/unit/runtime/children/test-jobs-worker.ts', root)
const child = compileEntry('test/unit/runtime/children/background-child.ts', root)
let directory: string
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(root, 'case-'))
})
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))

function jobOf(data: TestJob, more: Partial<BackgroundJob> = {}): BackgroundJob {
  return { data, isUrgent: false, onProgress: () => undefined, ...more }
}

/** A feed of the numbers from 1 to `count`, `each` at a time; the empty piece among them is no end. */
function feedOf(count: number, each: number): () => Promise<Uint32Array | undefined> {
  let next = 1
  let empties = 1
  return async () => {
    if (empties-- > 0) return new Uint32Array(0)
    if (next > count) return undefined
    const from = next
    next = Math.min(next + each, count + 1)
    return Uint32Array.from({ length: next - from }, (_, i) => from + i)
  }
}

/** Of each thread of this process, as Linux lists them; elsewhere none. */
function nicenessOfThreads(): number[] {
  if (process.platform !== 'linux') return []
  return fs.readdirSync('/proc/self/task').map((thread) => {
    const figures = fs.readFileSync(`/proc/self/task/${thread}/stat`, 'latin1')
    // The name stands in parentheses and may hold anything; niceness is the 19th figure, 16 behind the state.
    return Number(figures.slice(figures.lastIndexOf(')') + 2).split(' ')[16])
  })
}

const kinds: [string, 'thread' | 'inline', () => BackgroundWorker][] = [
  ['a thread', 'thread', () => createNodeRuntime({ workerFile }).workers.open('thread', performTestJob)],
  ['inline', 'inline', () => createNodeRuntime({ workerFile }).workers.open('inline', performTestJob)],
  ['the world in memory', 'inline', () => createMemoryRuntime({ seed: 1 }).workers.open('thread', performTestJob)],
]

describe.each(kinds)('a background worker: %s', (_, mode, open) => {
  let worker: BackgroundWorker
  beforeEach(() => {
    worker = open()
  })
  afterEach(() => worker.close())

  test('says where jobs run, before the first and after it', async () => {
    expect(worker.mode).toBe(mode)
    expect(await worker.run(jobOf({ what: 'slices', count: 2 }))).toBe(2)
    expect(worker.mode).toBe(mode)
  })

  test('may be started ahead of its jobs, more than once, and closed without any', async () => {
    worker.start()
    worker.start()
    expect(await worker.run(jobOf({ what: 'slices', count: 2 }))).toBe(2)
    worker.start()
    const other = open()
    other.start()
    await other.close()
    expect(worker.mode).toBe(mode)
  })

  test('does several jobs at a time and gives each its result', async () => {
    const counts = [5, 1, 9]
    expect(await Promise.all(counts.map((count) => worker.run(jobOf({ what: 'slices', count }))))).toEqual(counts)
  })

  test('feeds a job piece by piece, in order, up to the end', async () => {
    const fed = (count: number, each: number): Promise<unknown> =>
      worker.run(jobOf({ what: 'sum' }, { feed: feedOf(count, each) }))
    expect(await Promise.all([fed(100, 7), fed(0, 1), fed(50_000, 4096)])).toEqual([5050, 0, 1_250_025_000])
    expect(await worker.run(jobOf({ what: 'sum' }))).toBe(0)
  })

  test('tells how many bytes were handled', async () => {
    let bytes = 0
    await worker.run(jobOf({ what: 'slices', count: 6 }, { onProgress: (more) => void (bytes += more) }))
    expect(bytes).toBe(1_800_000)
  })

  test.each(Object.keys(ERRORS) as (keyof typeof ERRORS)[])('rejects with the failure of the job: %s', async (name) => {
    const expected = ERRORS[name]()
    const error: unknown = await worker.run(jobOf({ what: 'fail', count: 1, error: name })).catch((e: unknown) => e)
    expect((error as Error).message).toBe(expected.message)
    if (name !== 'other') expect(Object.getPrototypeOf(error)).toBe(Object.getPrototypeOf(expected))
    for (const field of ['operation', 'file', 'offset', 'code', 'retryable'] as const) {
      expect((error as Record<string, unknown>)[field]).toEqual((expected as unknown as Record<string, unknown>)[field])
    }
    const cause = expected.cause as { code: string; message: string } | undefined
    if (cause !== undefined) expect((error as Error).cause).toMatchObject({ code: cause.code, message: cause.message })
    expect(await worker.run(jobOf({ what: 'slices', count: 1 }))).toBe(1)
  })

  test('ends a job with what its caller throws, once it has cleaned up', async () => {
    const file = path.join(directory, 'mark')
    const reason = new Error('not wanted any more')
    const onProgress = (): void => {
      throw reason
    }
    const run = worker.run(jobOf({ what: 'clean-up', count: 1_000_000, file }, { onProgress }))
    await expect(run).rejects.toBe(reason)
    expect(fs.readFileSync(file, 'utf8')).toBe('cleaned up')
  })

  test('ends a job with what its caller rejects with, or its feed', async () => {
    const reason = new Error('not wanted any more')
    const rejecting = { onProgress: () => Promise.reject(reason) }
    await expect(worker.run(jobOf({ what: 'slices', count: 1_000_000 }, rejecting))).rejects.toBe(reason)
    await expect(worker.run(jobOf({ what: 'sum' }, { feed: () => Promise.reject(reason) }))).rejects.toBe(reason)
  })
})

describe('a background thread', () => {
  let worker: BackgroundWorker
  const open = (file: string): BackgroundWorker =>
    createNodeRuntime({ workerFile: file }).workers.open('thread', performTestJob)
  beforeEach(() => {
    worker = open(workerFile)
  })
  afterEach(() => worker.close())

  test('goes behind its caller where threads have priorities of their own', async () => {
    await worker.run(jobOf({ what: 'slices', count: 1 }))
    const behind = nicenessOfThreads().filter((niceness) => niceness === Math.min(os.getPriority() + 5, 19))
    expect(behind.length).toBe(process.platform === 'linux' ? 1 : 0)
  })

  test('lets an urgent job through: others wait between their slices until it has ended', async () => {
    const ended: string[] = []
    let openGate = (): void => undefined
    const gate = new Promise<void>((resolve) => (openGate = resolve))
    const feed = feedOf(10, 5)
    const gated = async (): Promise<Uint32Array | undefined> => {
      await gate
      return feed()
    }
    const urgent = worker.run(jobOf({ what: 'sum' }, { isUrgent: true, feed: gated })).then(() => ended.push('urgent'))
    const patient = worker.run(jobOf({ what: 'slices', count: 3 })).then(() => ended.push('patient'))
    // Longer than the patient one, and urgent: so the patient one had its time.
    await worker.run(jobOf({ what: 'slices', count: 50 }, { isUrgent: true }))
    expect(ended).toEqual([])
    openGate()
    await Promise.all([urgent, patient])
    expect(ended).toEqual(['urgent', 'patient'])
  })

  test('holds a job up that is some slices ahead of what its caller has promised, and lets it go on with that', async () => {
    let [told, answered, isOver] = [0, 0, false]
    const answers: (() => void)[] = []
    const onProgress = (bytes: number): Promise<void> => {
      told += bytes
      return new Promise((resolve) => {
        answers.push(() => {
          answered += bytes
          resolve()
        })
      })
    }
    const run = worker.run(jobOf({ what: 'slices', count: 20 }, { onProgress })).then(() => (isOver = true))
    // A job that is not held up would have ended before this one.
    await worker.run(jobOf({ what: 'slices', count: 100 }))
    expect([told, isOver]).toEqual([600_000, false])
    while (!isOver) {
      answers.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
      expect(told - answered).toBeLessThanOrEqual(600_000)
    }
    await run
    expect(told).toBe(6_000_000)
  })

  test('ends a job that is held up once its caller has no use for it', async () => {
    const reason = new Error('not wanted any more')
    let fail: ((error: Error) => void) | undefined
    const onProgress = (): Promise<void> => new Promise((_, reject) => (fail = reject))
    const run = worker.run(jobOf({ what: 'slices', count: 1_000_000 }, { onProgress }))
    await worker.run(jobOf({ what: 'slices', count: 100 }))
    fail?.(reason)
    await expect(run).rejects.toBe(reason)
  })

  test.each(['die', 'out-of-memory'] as const)(
    'that dies (%s) fails its jobs; the next job gets a new one',
    async (what) => {
      const jobs = [jobOf({ what: 'slices', count: 1_000_000 }), jobOf({ what, count: 2 })]
      const errors = await Promise.all(jobs.map((job) => worker.run(job).catch((error: unknown) => error)))
      for (const error of errors) {
        expect(error).toBeInstanceOf(IoError)
        expect((error as IoError).operation).toBe(WORKER_DIED)
        expect((error as IoError).message).toMatch(/^Cannot finish a background job: its thread died/)
      }
      expect(await worker.run(jobOf({ what: 'slices', count: 1 }))).toBe(1)
      expect(worker.mode).toBe('thread')
    },
  )

  test('refuses what cannot be copied to it, and goes on', async () => {
    const data = { what: 'slices', count: 1, also: () => undefined } as TestJob
    await expect(worker.run(jobOf(data))).rejects.toThrow(/could not be cloned/)
    expect(await worker.run(jobOf({ what: 'slices', count: 1 }))).toBe(1)
  })

  test('is replaced by inline work where its entry is missing, broken, silent or of another version', async () => {
    const answer = (version: number): string =>
      `require('node:worker_threads').parentPort.postMessage({ type: 'ready', version: ${version} }); setInterval(() => 0, 1000)`
    const sources = ['this is no program', 'throw new Error("broken")', '', answer(jobProtocolVersion + 1)]
    const files = sources.map((source, i) => {
      const file = path.join(directory, `worker-${i}.js`)
      fs.writeFileSync(file, source)
      return file
    })
    for (const file of [...files, path.join(directory, 'absent.js')]) {
      const substitute = open(file)
      expect(await substitute.run(jobOf({ what: 'slices', count: 3 }))).toBe(3)
      expect(substitute.mode).toBe('inline')
      await substitute.close()
    }
  })
})

describe('the process', () => {
  const run = (what: string): string => {
    const result = spawnSync(process.execPath, [child, what, workerFile], { encoding: 'utf8', timeout: 50_000 })
    expect({ status: result.status, signal: result.signal, stderr: result.stderr }).toEqual({ status: 0, signal: null, stderr: '' }) // prettier-ignore
    return result.stdout
  }

  test('ends by itself while a background thread is idle', () => {
    expect(run('idle')).toBe('idle thread\n')
  })

  test('stays until a pending job has ended', () => {
    expect(run('pending')).toBe('done 300\n')
  })

  test('ends after the thread was closed', () => {
    expect(run('closed')).toBe('closed\n')
  })
})

/** What only a real thread and a real process can show: starting, dying, and holding the process alive. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { InvariantError } from '../../../src/base/assert'
import { IoError } from '../../../src/base/errors'
import { ioProtocolVersion } from '../../../src/runtime/node/io-control'
import { openThread } from '../../../src/runtime/node/io-thread'
import { createNodeRuntime } from '../../../src/runtime/node/node-runtime'
import { IO_SHARED_BYTES_MAX, IO_STAGE_BYTES } from '../../../src/runtime/runtime'
import type { File, IoThread, IoTimes } from '../../../src/runtime/runtime'
import { compileEntry, createTemporaryDirectory } from '../../contract/runtime/world'

const root = createTemporaryDirectory()
const workerFile = compileEntry('src/worker.ts', root)
const child = compileEntry('test/unit/runtime/children/door-child.ts', root)
const crashingWorker = compileEntry('test/unit/runtime/children/crashing-worker.ts', root)
let directory: string
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(root, 'case-'))
})
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))

describe('starting', () => {
  const modeWith = async (source: string): Promise<string> => {
    const file = path.join(directory, 'worker.js')
    fs.writeFileSync(file, source)
    const thread = await openThread('thread', file)
    await thread.close()
    return thread.mode
  }

  test('the compiled entry gives a thread', async () => {
    const thread = await openThread('thread', workerFile)
    expect(thread.mode).toBe('thread')
    await thread.close()
  })

  test('a missing, broken, silent or outdated entry gives the inline substitute, which says so', async () => {
    const missing = await openThread('thread', path.join(directory, 'absent.js'))
    expect(missing.mode).toBe('inline')
    await missing.close()
    expect(await modeWith('this is no program')).toBe('inline')
    expect(await modeWith('throw new Error("broken")')).toBe('inline')
    expect(await modeWith('')).toBe('inline')
    const answer = (version: number): string =>
      `require('node:worker_threads').parentPort.postMessage({ ready: ${version} }); setInterval(() => 0, 1000)`
    expect(await modeWith(answer(ioProtocolVersion + 1))).toBe('inline')
  })
})

describe.each(['thread', 'inline'] as const)('the times of a request, in mode %s', (mode) => {
  test('tell the write from the sync; what was not asked for took none, and pieces add up', async () => {
    const thread = await openThread(mode, workerFile)
    const file = await createNodeRuntime().files.open(path.join(directory, 'log'), 'create')
    const timesOf = (bytes: Uint8Array, sync: boolean): Promise<IoTimes | undefined> =>
      new Promise((resolve, reject) => {
        thread.submit({ file, bytes, position: 0, sync }, (error, times) => (error ? reject(error) : resolve(times)))
      })
    const page = thread.allocate(4096).fill(1)
    const written = await timesOf(page, false)
    expect(written).toMatchObject({ syncMs: 0 })
    const synced = await timesOf(page, true)
    expect(synced!.writeMs).toBeGreaterThan(0)
    expect(synced!.syncMs).toBeGreaterThan(0)
    // More than the thread shares: written in 20 pieces through a stage.
    const large = await timesOf(thread.allocate(20 * IO_STAGE_BYTES).fill(1), true)
    expect(large!.writeMs).toBeGreaterThan(synced!.writeMs)
    await thread.close()
    await file.close()
  })
})

test('a thread says how much memory it holds: what it shares, up to a bound, and a stage once it needs one', async () => {
  const thread = await openThread('thread', workerFile)
  expect(thread.memoryBytes).toBe(0)
  thread.allocate(1000)
  expect(thread.memoryBytes).toBe(1000)
  const beyond = thread.allocate(IO_SHARED_BYTES_MAX)
  expect(thread.memoryBytes).toBe(1000)
  const file = await createNodeRuntime().files.open(path.join(directory, 'log'), 'create')
  await new Promise((resolve) => thread.submit({ file, bytes: beyond.subarray(0, 10), position: 0, sync: false }, resolve)) // prettier-ignore
  expect(thread.memoryBytes).toBe(1000 + IO_STAGE_BYTES)
  await thread.close()
  await file.close()
})

describe('a thread that dies', () => {
  let thread: IoThread
  let file: File
  let bytes: Uint8Array
  beforeEach(async () => {
    thread = await openThread('thread', crashingWorker)
    file = await createNodeRuntime().files.open(path.join(directory, 'log'), 'create')
    bytes = thread.allocate(10).fill(120)
  })
  afterEach(async () => {
    await thread.close()
    await file.close()
  })
  const carryOut = (sync: boolean): Promise<Error | undefined> =>
    new Promise((resolve) => thread.submit({ file, bytes, position: 0, sync }, resolve))

  test('fails the request in its hands, those behind it and all later ones with an IoError', async () => {
    expect(await carryOut(false)).toBeUndefined()
    const errors = await Promise.all([carryOut(true), carryOut(false)])
    errors.push(await carryOut(false))
    for (const error of errors) {
      expect(error).toBeInstanceOf(IoError)
      expect(error?.message).toMatch(/^Cannot write ".*log": the I\/O thread died/)
    }
  })

  test('does not block a drain for ever', () => {
    const errors: unknown[] = []
    for (const sync of [false, true, false]) {
      thread.submit({ file, bytes, position: 0, sync }, (error) => errors.push(error))
    }
    thread.drainSync()
    expect(errors).toEqual([undefined, expect.any(IoError), expect.any(IoError)])
    thread.submit({ file, bytes, position: 0, sync: false }, (error) => errors.push(error))
    thread.drainSync()
    expect(errors[3]).toBeInstanceOf(IoError)
  })

  test('lets a file be closed once its requests have failed, and not before', async () => {
    const failed = carryOut(true)
    await expect(Promise.resolve().then(() => file.close())).rejects.toBeInstanceOf(InvariantError)
    await failed
  })
})

describe('the process', () => {
  const run = (what: string, options: { flags?: string[]; env?: Record<string, string> } = {}): string => {
    const result = spawnSync(process.execPath, [...(options.flags ?? []), child, what, directory, workerFile], {
      encoding: 'utf8',
      env: { ...process.env, ...options.env },
      timeout: 50_000,
    })
    expect({ status: result.status, signal: result.signal, stderr: result.stderr }).toEqual({
      status: 0,
      signal: null,
      stderr: '',
    })
    return result.stdout
  }

  test('ends by itself while a thread is open and idle', () => {
    expect(run('idle')).toBe('mode thread\nidle\n')
  })

  test('stays until a pending request is answered', () => {
    expect(run('pending')).toBe('mode thread\nanswered undefined\n')
    expect(fs.statSync(path.join(directory, 'log')).size).toBe(4096)
  })

  test('stays through a chain of requests, each made by the answer to the last', () => {
    expect(run('chain')).toBe('mode thread\nchained\n')
  })

  test('ends by itself while a lock is held', () => {
    expect(run('lock-idle')).toBe('locked\n')
  })

  test('waits for a timer only if asked to', () => {
    expect(run('timers')).toBe('kept\n')
  })

  test('starts the thread without the loaders that the application was started with', () => {
    const loader = path.join(directory, 'loader.js')
    fs.writeFileSync(
      loader,
      `if (!require('node:worker_threads').isMainThread) throw new Error('loaded in the thread')`,
    )
    expect(run('pending', { flags: ['--require', loader] })).toBe('mode thread\nanswered undefined\n')
    fs.rmSync(path.join(directory, 'log'))
    expect(run('pending', { env: { NODE_OPTIONS: `--require ${loader}` } })).toBe('mode thread\nanswered undefined\n')
  })

  test('gets back memory that nobody uses any more', () => {
    expect(run('forget', { flags: ['--expose-gc'] })).toBe('grown little\n')
  })
})

/** The runtime in memory as an instrument: what is injected happens, a crash is the end, one seed is one order of events. */
import { DiskFullError, IoError } from '../../../src/base/errors'
import { CrashedError } from '../../support/memory-runtime/io-calls'
import type { Injection, IoCall } from '../../support/memory-runtime/io-calls'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../support/memory-runtime/memory-runtime'

const settled = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value,
    (reason: unknown) => reason,
  )
/** Enough turns of the real loop for whatever could still happen. */
const quiet = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
}
const at = (index: number, injection: Injection) => (call: IoCall) => (call.index === index ? injection : undefined)

/** A short run that meets many kinds of call; returns what it got to. */
async function workload(runtime: MemoryRuntime, log: string[] = []): Promise<string[]> {
  const { files } = runtime
  const step = async <T>(name: string, action: Promise<T>): Promise<T> => {
    const value = await action
    log.push(name)
    return value
  }
  await step('directory', files.createDirectory('/d'))
  const file = await step('create', files.open('/d/tmp', 'create'))
  await step('write', file.write(Buffer.alloc(2000, 'w'), 0))
  await step('sync', file.sync())
  await step('rename', files.rename('/d/tmp', '/d/f'))
  await step('directory sync', files.syncDirectory('/d'))
  await step('read', file.read(Buffer.alloc(10), 0, 10, 0))
  file.readSync(Buffer.alloc(10), 0, 10, 0)
  await step('list', files.list('/d'))
  await step('close', file.close())
  return log
}

test('calls are numbered and named in order', async () => {
  const runtime = createMemoryRuntime()
  await workload(runtime)
  expect(runtime.calls.map(({ index, operation, path }) => `${index} ${operation} ${path}`)).toEqual([
    '0 create-directory /d', '1 create /d/tmp', '2 write /d/tmp', '3 sync /d/tmp', '4 rename /d/tmp',
    '5 sync-directory /d', '6 read /d/tmp', '7 read-sync /d/tmp', '8 list /d', '9 close /d/tmp',
  ]) // prettier-ignore
  expect(runtime.calls[2]).toMatchObject({ position: 0, length: 2000 })
})

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])('EIO and ENOSPC at call %i are the errors of the door', async (index) => {
  for (const [code, type] of [
    ['EIO', IoError],
    ['ENOSPC', DiskFullError],
  ] as const) {
    const runtime = createMemoryRuntime({ inject: at(index, code) })
    const error = await settled(workload(runtime))
    expect(error).toBeInstanceOf(type)
    expect((error as Error).message).toContain(code)
    expect(runtime.calls).toHaveLength(index + 1)
  }
})

test('a crash before or after any call: nothing completes from there on, and the disk differs by that call alone', async () => {
  const done = (runtime: MemoryRuntime): string =>
    JSON.stringify([...runtime.durableImage('everything').files].map(([path, bytes]) => [path, bytes.length]))
  for (let index = 0; index < 10; index++) {
    const images = []
    for (const injection of ['crash-before', 'crash-after'] as const) {
      const runtime = createMemoryRuntime({ inject: at(index, injection) })
      const log: string[] = []
      let ended: unknown
      void workload(runtime, log).then(
        () => (ended = 'completed'),
        (error: unknown) => (ended = error),
      )
      await quiet()
      expect(runtime.crashed).toBe(true)
      // The one synchronous call throws; the others never complete.
      if (index === 7) expect(ended).toBeInstanceOf(CrashedError)
      else expect(ended).toBeUndefined()
      expect(log).toHaveLength(index > 7 ? index - 1 : index)
      images.push(done(runtime))
    }
    const changes = [1, 2, 4].includes(index)
    expect(images[0] !== images[1]).toBe(changes)
  }
})

test('after a crash nothing happens any more, whoever asks', async () => {
  const runtime = createMemoryRuntime()
  const file = await runtime.files.open('/f', 'create')
  const thread = await runtime.files.openIoThread('thread')
  const bytes = thread.allocate(4)
  const lock = await runtime.files.lock('/', 'exclusive')
  const happened: string[] = []
  const note = (name: string) => () => happened.push(name)
  runtime.scheduler.after(1, note('timer'))
  void runtime.scheduler.nextTurn().then(note('turn'))
  runtime.scheduler.afterMicrotasks(note('microtasks'))
  thread.submit({ file, bytes, position: 0, sync: true }, note('request'))
  runtime.crash()
  void file.write(bytes, 0).then(note('write'), note('write'))
  void file.close().then(note('close'))
  void thread.close().then(note('thread close'))
  void lock?.release().then(note('release'))
  runtime.scheduler.after(0, note('later timer'))
  await quiet()
  expect(happened).toEqual([])
  expect(() => file.readSync(new Uint8Array(1), 0, 1, 0)).toThrow(CrashedError)
  expect(() => thread.drainSync()).toThrow(CrashedError)
  expect(() => thread.submit({ file, bytes, position: 0, sync: true }, note('request'))).toThrow(CrashedError)
  expect(() => runtime.faults.reach('x')).toThrow(CrashedError)
  expect(runtime.durableImage('everything').files.get('/f')).toHaveLength(0)
})

test('the lock of a crashed world is free in the next', async () => {
  const runtime = createMemoryRuntime()
  await runtime.files.lock('/', 'exclusive')
  runtime.crash()
  const rebooted = createMemoryRuntime({ files: runtime.durableImage('everything') })
  expect(await rebooted.files.lock('/', 'exclusive')).toBeDefined()
})

test('a short write leaves a true prefix and fails', async () => {
  const lengths = new Set<number>()
  for (let seed = 0; seed < 40; seed++) {
    const runtime = createMemoryRuntime({
      seed,
      inject: ({ operation }) => (operation === 'write' ? 'short-write' : undefined),
    })
    const file = await runtime.files.open('/f', 'create')
    const content = Buffer.from(Array.from({ length: 64 }, (_, index) => index))
    expect(await settled(file.write(content, 0))).toBeInstanceOf(IoError)
    const left = Buffer.from(runtime.durableImage('everything').files.get('/f')!)
    expect(left.equals(content.subarray(0, left.length))).toBe(true)
    expect(left.length).toBeLessThan(64)
    lengths.add(left.length)
  }
  expect(lengths.size).toBeGreaterThan(10)
})

test('a crash inside an I/O thread comes between its write and its sync', async () => {
  const runtime = createMemoryRuntime({
    inject: ({ operation }) => (operation === 'thread-sync' ? 'crash-before' : undefined),
  })
  const file = await runtime.files.open('/f', 'create')
  await runtime.files.syncDirectory('/')
  const thread = await runtime.files.openIoThread('thread')
  let answered = false
  thread.submit({ file, bytes: thread.allocate(4).fill(1), position: 0, sync: true }, () => (answered = true))
  await quiet()
  expect([runtime.crashed, answered]).toEqual([true, false])
  expect(runtime.durableImage('everything').files.get('/f')).toHaveLength(4)
  expect(runtime.durableImage('synced-only').files.get('/f')).toHaveLength(0)
})

test('a close that fails closes all the same', async () => {
  const runtime = createMemoryRuntime({ inject: ({ operation }) => (operation === 'close' ? 'EIO' : undefined) })
  const file = await runtime.files.open('/f', 'create')
  await file.write(new Uint8Array(100), 0)
  await runtime.files.remove('/f')
  expect(runtime.usedBytes).toBe(100)
  await file.close()
  expect(runtime.usedBytes).toBe(0)
})

describe('a full disk', () => {
  test('takes what fits, refuses the rest, and still overwrites what it has', async () => {
    const runtime = createMemoryRuntime({ capacityBytes: 1000 })
    const file = await runtime.files.open('/f', 'create')
    await file.write(new Uint8Array(600), 0)
    expect(await runtime.files.freeBytes('/')).toBe(400)
    expect(await settled(file.write(new Uint8Array(600), 600))).toBeInstanceOf(DiskFullError)
    expect(await file.size()).toBe(1000)
    await file.write(new Uint8Array(1000).fill(1), 0)
    expect(await runtime.files.freeBytes('/')).toBe(0)
    expect(await settled(file.write(new Uint8Array(1), 1000))).toBeInstanceOf(DiskFullError)
  })

  test('has room again once a file is gone, and not before its last handle', async () => {
    const runtime = createMemoryRuntime({ capacityBytes: 1000 })
    const [a, b] = [await runtime.files.open('/a', 'create'), await runtime.files.open('/b', 'create')]
    await a.write(new Uint8Array(1000), 0)
    await runtime.files.remove('/a')
    expect(await settled(b.write(new Uint8Array(1), 0))).toBeInstanceOf(DiskFullError)
    await a.close()
    await b.write(new Uint8Array(1000), 0)
  })

  test('a replaced file gives its room back', async () => {
    const runtime = createMemoryRuntime({ capacityBytes: 1000 })
    for (const name of ['/a', '/b']) {
      const file = await runtime.files.open(name, 'create')
      await file.write(new Uint8Array(500), 0)
      await file.close()
    }
    await runtime.files.rename('/a', '/b')
    expect(await runtime.files.freeBytes('/')).toBe(500)
  })

  test('declared full, it refuses all that is new until it is not', async () => {
    const runtime = createMemoryRuntime()
    const file = await runtime.files.open('/f', 'create')
    runtime.isDiskFull = true
    for (const attempt of [
      () => file.write(new Uint8Array(1), 0),
      () => runtime.files.open('/g', 'create'),
      () => runtime.files.createDirectory('/d'),
    ]) {
      expect(await settled(attempt())).toBeInstanceOf(DiskFullError)
    }
    expect(await runtime.files.freeBytes('/')).toBe(0)
    runtime.isDiskFull = false
    await file.write(new Uint8Array(1), 0)
  })
})

describe('time and order', () => {
  test('waiting takes no time: the clock jumps to the next timer, in order', async () => {
    const runtime = createMemoryRuntime()
    const log: string[] = []
    await new Promise<void>((resolve) => {
      runtime.scheduler.after(3_600_000, () => {
        log.push('hour')
        resolve()
      })
      runtime.scheduler.after(60_000, () => log.push('minute'))
    })
    expect(log).toEqual(['minute', 'hour'])
    expect(runtime.clock.monotonicMs()).toBeGreaterThanOrEqual(3_600_000)
  })

  test('a clock that does not jump waits to be moved', async () => {
    const runtime = createMemoryRuntime({ clockJumps: false })
    const log: string[] = []
    runtime.scheduler.after(1000, () => log.push('second'))
    await quiet()
    expect(log).toEqual([])
    runtime.advance(999)
    await runtime.scheduler.nextTurn()
    await quiet()
    expect(log).toEqual([])
    runtime.advance(2)
    await quiet()
    expect(log).toEqual(['second'])
  })

  test('a loop with a time budget ends', () => {
    const { clock } = createMemoryRuntime()
    const startMs = clock.monotonicMs()
    let looks = 0
    while (clock.monotonicMs() - startMs < 1) looks++
    expect(looks).toBeGreaterThan(10)
  })

  test('one seed gives one order of events, other seeds give others', async () => {
    const orderOf = async (seed: number): Promise<string> => {
      const runtime = createMemoryRuntime({ seed })
      const log: string[] = []
      const chain = async (name: string): Promise<void> => {
        const file = await runtime.files.open(`/${name}`, 'create')
        for (let step = 0; step < 5; step++) {
          await file.write(new Uint8Array(10), step * 10)
          log.push(`${name}${step}`)
          if (runtime.random.fraction() < 0.3) await runtime.scheduler.nextTurn()
        }
      }
      await Promise.all(['a', 'b', 'c', 'd'].map(chain))
      return `${log.join(' ')} | ${runtime.calls.map(({ operation, path }) => operation + path).join(' ')}`
    }
    const orders = await Promise.all(Array.from({ length: 10 }, (_, seed) => orderOf(seed)))
    expect(await orderOf(3)).toBe(orders[3])
    expect(new Set(orders).size).toBeGreaterThan(8)
  })

  test('fault points throw, or end the world, where a test says so', async () => {
    const odd = new Error('odd')
    const runtime = createMemoryRuntime({
      injectAtPoint: (point) => (point === 'a' ? odd : point === 'b' ? 'crash' : undefined),
    })
    expect(() => runtime.faults.reach('a')).toThrow(odd)
    runtime.faults.reach('c')
    expect(() => runtime.faults.reach('b')).toThrow(CrashedError)
    expect(runtime.points).toEqual(['a', 'c', 'b'])
    expect(runtime.crashed).toBe(true)
    await quiet()
  })
})

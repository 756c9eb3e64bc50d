/** The contract of I/O threads, in both modes. */
import { InvariantError } from '../../../src/base/assert'
import { DiskFullError, IoError } from '../../../src/base/errors'
import type { File, IoThread, IoThreadMode } from '../../../src/runtime/runtime'
import type { ContractWorld } from './world'

/** Tests of one implementation in one mode; `world` gives the fresh one of the running test. */
export function ioThreadContract(mode: IoThreadMode, world: () => ContractWorld): void {
  let thread: IoThread
  let file: File
  const place = (name: string): string => world().runtime.files.join(world().directory, name)

  beforeEach(async () => {
    thread = await world().runtime.files.openIoThread(mode)
    file = await world().runtime.files.open(place('log'), 'create')
  })
  afterEach(async () => {
    await thread.close()
    await file.close()
  })

  const memoryOf = (text: string): Uint8Array => {
    const memory = thread.allocate(text.length)
    memory.set(Buffer.from(text, 'latin1'))
    return memory
  }
  const carryOut = (bytes: Uint8Array, position: number, sync: boolean, on = file): Promise<Error | undefined> =>
    new Promise((resolve) => thread.submit({ file: on, bytes, position, sync }, resolve))
  const content = async (): Promise<string> => {
    const target = Buffer.alloc((await file.size()) + 1)
    return target.subarray(0, await file.read(target, 0, target.length, 0)).toString('latin1')
  }

  test('says its mode and allocates memory filled with zeros', () => {
    expect(thread.mode).toBe(mode)
    expect(thread.allocate(1000).every((byte) => byte === 0)).toBe(true)
    expect(thread.allocate(0).length).toBe(0)
  })

  test('writes the bytes given, also parts of what was allocated, with and without sync', async () => {
    const memory = memoryOf('..abcdef..')
    expect(await carryOut(memory.subarray(2, 5), 0, true)).toBeUndefined()
    expect(await carryOut(memory.subarray(5, 8), 3, false)).toBeUndefined()
    expect(await content()).toBe('abcdef')
  })

  test('what may be done at once is, if nothing is pending; callers are told later all the same, and in the order of submission', async () => {
    const told: string[] = []
    const submit = (text: string, position: number, how: { sync: boolean; atOnce: boolean }): Promise<void> =>
      new Promise((resolve) => {
        thread.submit({ file, bytes: memoryOf(text), position, ...how }, (error) => {
          told.push(error === undefined ? text : String(error))
          resolve()
        })
      })
    const [first, second] = [
      submit('a', 0, { sync: false, atOnce: true }),
      submit('b', 1, { sync: false, atOnce: true }),
    ]
    const seen = Buffer.alloc(2)
    expect([file.readSync(seen, 0, 2, 0), seen.toString('latin1')]).toEqual([2, 'ab'])
    const third = submit('c', 2, { sync: true, atOnce: true })
    const fourth = submit('d', 3, { sync: false, atOnce: true })
    expect(told).toEqual([])
    await Promise.all([first, second, third, fourth])
    await submit('e', 4, { sync: false, atOnce: true })
    expect(told.join('')).toBe('abcde')
    expect(await content()).toBe('abcde')
  })

  test('a drain tells those, too, whose requests were done at once, in their order', () => {
    const told: string[] = []
    for (const [at, text] of ['a', 'b', 'c', 'd'].entries()) {
      const atOnce = text !== 'c'
      thread.submit({ file, bytes: memoryOf(text), position: at, sync: false, atOnce }, () => told.push(text))
    }
    thread.drainSync()
    expect(told.join('')).toBe('abcd')
  })

  test('memory allocated later, and much of it, is written too', async () => {
    for (let round = 0; round < 20; round++) {
      expect(await carryOut(memoryOf(String.fromCharCode(97 + round)), round, false)).toBeUndefined()
    }
    const large = thread.allocate(2_500_000).fill(120)
    expect(await carryOut(large, 20, true)).toBeUndefined()
    expect(await content()).toBe(`abcdefghijklmnopqrst${'x'.repeat(2_500_000)}`)
  })

  test('large requests, more than any implementation shares, arrive whole and in order', async () => {
    const memories = Array.from({ length: 4 }, (_, index) => thread.allocate(7_000_003).fill(97 + index))
    memories.forEach((memory, index) => {
      for (let at = 0; at < memory.length; at += 1000) memory[at] = (at / 1000) & 0xff
      memory[memory.length - 1] = 200 + index
    })
    const answers = memories.map((memory, index) => carryOut(memory, index * 6_000_000, index % 2 === 0))
    expect(await Promise.all(answers)).toEqual([undefined, undefined, undefined, undefined])
    const expected = Buffer.alloc(25_000_003)
    memories.forEach((memory, index) => expected.set(memory, index * 6_000_000))
    const target = Buffer.alloc(expected.length)
    expect(await file.read(target, 0, target.length, 0)).toBe(expected.length)
    expect(target.equals(expected)).toBe(true)
  })

  test('positions far out are exact (beyond four gigabytes on a real disk)', async () => {
    const position = world().farPosition
    expect(await carryOut(memoryOf('far'), position, false)).toBeUndefined()
    expect(await file.size()).toBe(position + 3)
  })

  test('a request without bytes only syncs', async () => {
    expect(await carryOut(new Uint8Array(0), 0, true)).toBeUndefined()
    expect(await carryOut(new Uint8Array(0), 0, false)).toBeUndefined()
    expect(await file.size()).toBe(0)
  })

  test('a callback runs in a later turn: after the call, after its microtasks', async () => {
    const log: string[] = []
    thread.submit({ file, bytes: memoryOf('x'), position: 0, sync: false }, () => log.push('done'))
    log.push('call')
    let chain = Promise.resolve()
    for (let hop = 0; hop < 20; hop++) chain = chain.then(() => undefined)
    await chain
    log.push('microtasks')
    while (!log.includes('done')) await world().runtime.scheduler.nextTurn()
    expect(log).toEqual(['call', 'microtasks', 'done'])
  })

  test('requests are carried out and answered in order of submission', async () => {
    const log: number[] = []
    const all = Array.from({ length: 50 }, (_, index) => {
      const bytes = memoryOf(String.fromCharCode(33 + index))
      return new Promise<void>((resolve) => {
        thread.submit({ file, bytes, position: 0, sync: index % 7 === 0 }, () => {
          log.push(index)
          resolve()
        })
      })
    })
    await Promise.all(all)
    expect(log).toEqual(Array.from({ length: 50 }, (_, index) => index))
    expect(await content()).toBe(String.fromCharCode(33 + 49))
  })

  test('drainSync ends everything and runs each callback once, in order', async () => {
    const log: string[] = []
    for (let index = 0; index < 5; index++) {
      thread.submit({ file, bytes: memoryOf(String(index)), position: index, sync: true }, (error) => {
        log.push(`${index} ${String(error)}`)
      })
    }
    thread.drainSync()
    const expected = ['0 undefined', '1 undefined', '2 undefined', '3 undefined', '4 undefined']
    expect(log).toEqual(expected)
    thread.drainSync()
    // Whatever was on its way before the drain arrives now, and must find nothing to do.
    for (let turn = 0; turn < 20; turn++) await world().runtime.scheduler.nextTurn()
    expect(log).toEqual(expected)
    expect(await content()).toBe('01234')
    expect(await carryOut(memoryOf('5'), 5, true)).toBeUndefined()
    expect(log).toEqual(expected)
  })

  test('drainSync after some turns meets requests in any stage', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const log: number[] = []
      for (const index of [0, 1, 2]) {
        thread.submit({ file, bytes: memoryOf('x'), position: index, sync: true }, () => log.push(index))
      }
      for (let turn = 0; turn < turns; turn++) await world().runtime.scheduler.nextTurn()
      thread.drainSync()
      expect(log).toEqual([0, 1, 2])
    }
  })

  test('a callback may submit, and drainSync waits for that one too', async () => {
    const log: string[] = []
    thread.submit({ file, bytes: memoryOf('a'), position: 0, sync: false }, () => {
      log.push('a')
      thread.submit({ file, bytes: memoryOf('b'), position: 1, sync: true }, () => log.push('b'))
    })
    thread.drainSync()
    expect(log).toEqual(['a', 'b'])
    expect(await content()).toBe('ab')
  })

  test('a failed write is an IoError with its file, does no sync, and does not stop the next request', async () => {
    await file.close()
    const readOnly = await world().runtime.files.open(place('log'), 'read')
    const error = await carryOut(memoryOf('x'), 12, true, readOnly)
    expect(error).toBeInstanceOf(IoError)
    expect(error).toMatchObject({ file: place('log'), cause: { code: 'EBADF' } })
    expect(error?.message).toMatch(/^Cannot .*write "\/.*log" at offset 12: EBADF: bad file descriptor$/)
    await readOnly.close()
    file = await world().runtime.files.open(place('log'), 'write')
    expect(await carryOut(memoryOf('y'), 0, true)).toBeUndefined()
    expect(await content()).toBe('y')
  })

  test('a full disk is a DiskFullError, a failed sync an IoError', async () => {
    const full = await world().openFull()
    expect(await carryOut(memoryOf('x'), 0, true, full)).toBeInstanceOf(DiskFullError)
    await full.close()
    const unsyncable = await world().openUnsyncable()
    const error = await carryOut(memoryOf('x'), 0, true, unsyncable)
    expect(error).toBeInstanceOf(IoError)
    expect(error?.message).toMatch(/^Cannot .*sync "/)
    expect(await carryOut(memoryOf('x'), 0, false, unsyncable)).toBeUndefined()
    await unsyncable.close()
  })

  test('errors reach the callbacks of a drain as well', async () => {
    const full = await world().openFull()
    const errors: unknown[] = []
    thread.submit({ file: full, bytes: memoryOf('x'), position: 0, sync: false }, (error) => errors.push(error))
    thread.submit({ file, bytes: memoryOf('x'), position: 0, sync: false }, (error) => errors.push(error))
    thread.drainSync()
    expect(errors).toEqual([expect.any(DiskFullError), undefined])
    await full.close()
  })

  test('memory of another origin, a closed file and a closed thread are refused', async () => {
    const request = { file, bytes: memoryOf('x'), position: 0, sync: false }
    expect(() => thread.submit({ ...request, bytes: Buffer.from('x') }, () => undefined)).toThrow(InvariantError)
    const other = await world().runtime.files.open(place('other'), 'create')
    await other.close()
    expect(() => thread.submit({ ...request, file: other }, () => undefined)).toThrow(InvariantError)
    const isBusy = carryOut(request.bytes, 0, false)
    await expect(Promise.resolve().then(() => file.close())).rejects.toThrow(InvariantError)
    await isBusy
    expect(await carryOut(request.bytes, 0, false)).toBeUndefined()
    await thread.close()
    expect(() => thread.submit(request, () => undefined)).toThrow(InvariantError)
  })

  test('close waits for what is pending, and closing again does nothing', async () => {
    const log: string[] = []
    for (const name of ['a', 'b']) {
      thread.submit({ file, bytes: memoryOf(name), position: 0, sync: true }, () => log.push(name))
    }
    await thread.close()
    expect(log).toEqual(['a', 'b'])
    await thread.close()
    expect(await content()).toBe('b')
  })
}

/** The directory of a checkpoint: what is refused and stays as it is, what is taken, and what is left of it. */
import { DatabaseLockedError, InvalidArgumentError, IoError } from '../../../../src/base/errors'
import { CheckpointTarget } from '../../../../src/storage/checkpoint/checkpoint-target'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'

let runtime: MemoryRuntime
beforeEach(async () => {
  runtime = createMemoryRuntime({ seed: 1 })
  await runtime.files.createDirectory('/origin')
  await runtime.files.createDirectory('/there')
})

const take = (directory: string): Promise<CheckpointTarget> => CheckpointTarget.take(runtime, directory, '/origin')
const create = async (path: string): Promise<void> => (await runtime.files.open(path, 'create')).close()
const everything = (): string[] => {
  const { directories, files } = runtime.durableImage('everything')
  return [...directories, ...files.keys()].sort()
}

describe('a target is refused, and nothing is touched,', () => {
  test.each([
    ['that holds something', '/there', 'it holds "else"'],
    ['that is a file', '/there/else', 'is no directory'],
    ['below a file', '/there/else/below', 'is no directory'],
    ['that is the origin', '/origin', 'it is in the directory of the database'],
    ['within the origin', '/origin/below/it', 'it is in the directory of the database'],
  ])('%s', async (_, directory, why) => {
    await create('/there/else')
    const before = everything()
    await expect(take(directory)).rejects.toThrow(InvalidArgumentError)
    await expect(take(directory)).rejects.toThrow(why)
    expect(everything()).toEqual(before)
  })

  test('that somebody has locked', async () => {
    const lock = await runtime.files.lock('/there', 'exclusive')
    const before = everything()
    await expect(take('/there')).rejects.toThrow(DatabaseLockedError)
    expect(everything()).toEqual(before)
    await lock?.release()
    await (await take('/there')).complete()
  })

  test('in which somebody was quicker between the first look and the lock', async () => {
    runtime.inject = (call) => {
      if (call.operation === 'lock') runtime.inject = undefined
      return undefined
    }
    const lock = runtime.files.lock.bind(runtime.files)
    const files = {
      ...runtime.files,
      lock: async (...given: Parameters<typeof lock>) => {
        const held = await lock(...given)
        await create('/there/CURRENT')
        return held
      },
    }
    const racing = CheckpointTarget.take({ ...runtime, files }, '/there', '/origin')
    await expect(racing).rejects.toThrow('it holds "CURRENT"')
    expect(everything()).toEqual(['/origin', '/there', '/there/CURRENT', '/there/LOCK'])
    await (await runtime.files.lock('/there', 'exclusive'))?.release()
  })
})

describe('a target is taken', () => {
  test('with its missing parents, all of their names durable, and locked until it is complete', async () => {
    const target = await take('/new/one/two')
    expect(runtime.durableImage('synced-only').directories).toEqual(['/new', '/new/one', '/new/one/two', '/origin', '/there']) // prettier-ignore
    expect(target.path('a')).toBe('/new/one/two/a')
    await expect(runtime.files.lock('/new/one/two', 'exclusive')).rejects.toThrow(DatabaseLockedError)
    await target.complete()
    expect(await runtime.files.list('/new/one/two')).toEqual(['LOCK'])
    await (await runtime.files.lock('/new/one/two', 'exclusive'))?.release()
  })

  test('where nothing but LOCK is left of a database that never began', async () => {
    await create('/there/LOCK')
    await (await take('/there')).complete()
  })
})

describe('an abandoned target', () => {
  test('is gone, with the parents created for it, and those that were there stay', async () => {
    const target = await take('/there/one/two')
    for (const name of ['0000000001.table', 'CURRENT']) await create(target.path(name))
    target.path('never created')
    await target.abandon()
    expect(everything()).toEqual(['/origin', '/there'])
  })

  test('is empty again where it was there before, and CURRENT went first', async () => {
    const target = await take('/there')
    for (const name of ['0000000001.table', 'CURRENT.tmp', 'CURRENT']) await create(target.path(name))
    const before = runtime.calls.length
    await target.abandon()
    const removed = runtime.calls.slice(before).filter(({ operation }) => operation === 'remove')
    expect(removed.map(({ path }) => path)).toEqual(['CURRENT', 'CURRENT.tmp', '0000000001.table', 'LOCK'].map((name) => `/there/${name}`)) // prettier-ignore
    expect(everything()).toEqual(['/origin', '/there'])
    await (await take('/there')).complete()
  })

  test('keeps what others have put there', async () => {
    const target = await take('/new')
    await create(target.path('0000000001.table'))
    await create('/new/foreign')
    await target.abandon()
    expect(everything()).toEqual(['/new', '/new/foreign', '/origin', '/there'])
  })

  test('is gone too where taking it failed halfway', async () => {
    const count = await callsOfTaking()
    for (let failing = 0; failing < count; failing++) {
      const before = everything()
      const from = runtime.calls.length
      runtime.inject = ({ index }) => (index === from + failing ? 'EIO' : undefined)
      await expect(take('/new/one')).rejects.toThrow(IoError)
      runtime.inject = undefined
      expect(everything()).toEqual(before)
    }
  })
})

/** How many I/O calls it takes to take a new target. */
async function callsOfTaking(): Promise<number> {
  const before = runtime.calls.length
  const target = await take('/new/one')
  const count = runtime.calls.length - before
  await target.abandon()
  return count
}

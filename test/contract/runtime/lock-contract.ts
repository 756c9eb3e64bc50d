/** The contract of the directory lock within one process; other processes are tested with the real runtime. */
import { DatabaseLockedError, IoError } from '../../../src/base/errors'
import type { DirectoryLock } from '../../../src/runtime/runtime'
import type { ContractWorld } from './world'

/** Tests of one implementation; `world` gives the fresh one of the running test. */
export function lockContract(world: () => ContractWorld): void {
  const lock = (mode: 'exclusive' | 'shared'): Promise<DirectoryLock | undefined> =>
    world().runtime.files.lock(world().directory, mode)
  const held = async (mode: 'exclusive' | 'shared'): Promise<DirectoryLock> => {
    const taken = await lock(mode)
    expect(taken).toBeDefined()
    return taken!
  }

  test('an exclusive lock refuses every other opener, this process included, and names its holder', async () => {
    const taken = await held('exclusive')
    for (const mode of ['exclusive', 'shared'] as const) {
      const error: unknown = await lock(mode).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(DatabaseLockedError)
      expect((error as Error).message).toContain(`Cannot lock "${world().directory}": this process (pid `)
      expect((error as Error).message).toMatch(/pid \d+, host ".+", since .+\) holds it$/)
    }
    await taken.release()
  })

  test('a released lock can be taken again; releasing twice lets nobody in', async () => {
    const first = await held('exclusive')
    await first.release()
    const second = await held('exclusive')
    await first.release()
    await expect(lock('exclusive')).rejects.toBeInstanceOf(DatabaseLockedError)
    await second.release()
  })

  test('a refused attempt leaves the lock with its holder', async () => {
    const taken = await held('exclusive')
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(lock('exclusive')).rejects.toBeInstanceOf(DatabaseLockedError)
    }
    await taken.release()
    await (await held('exclusive')).release()
  })

  test('of many openers at once exactly one gets it', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lock('exclusive')))
    const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled')
    expect(winners).toHaveLength(1)
    await winners[0]?.value?.release()
  })

  test('shared where nobody ever locked is undefined and creates nothing', async () => {
    expect(await lock('shared')).toBeUndefined()
    expect(await world().runtime.files.list(world().directory)).toEqual([])
  })

  test('shared locks go together and keep an exclusive one out', async () => {
    await (await held('exclusive')).release()
    const first = await held('shared')
    const second = await held('shared')
    await first.release()
    await expect(lock('exclusive')).rejects.toBeInstanceOf(DatabaseLockedError)
    await second.release()
    await (await held('exclusive')).release()
  })

  test('directories have locks of their own', async () => {
    const { files } = world().runtime
    const other = files.join(world().directory, 'other')
    await files.createDirectory(other)
    const taken = await held('exclusive')
    const otherTaken = await files.lock(other, 'exclusive')
    expect(otherTaken).toBeDefined()
    await otherTaken?.release()
    await taken.release()
  })

  test('a directory that does not exist cannot be locked', async () => {
    const { files } = world().runtime
    await expect(files.lock(files.join(world().directory, 'absent'), 'exclusive')).rejects.toBeInstanceOf(IoError)
  })
}

/** What the Tab key offers, and that pressing it aborts nobody. */
import { completeLine, keysForCompletion } from '../../../src/cli/shell/completion'
import { SHELL_LIMITS } from '../../../src/cli/shell/shell-limits'
import type { ShellWorld } from './shell-world'
import { inShell } from './shell-world'

async function complete({ session, db }: ShellWorld, line: string): Promise<readonly [string[], string]> {
  return completeLine(line, { session, keys: (prefix, limit) => keysForCompletion(db, prefix, limit) })
}

async function offered(world: ShellWorld, line: string): Promise<string[]> {
  return (await complete(world, line))[0]
}

test('commands, names, options and savepoints are offered where they can stand', () =>
  inShell(async (world) => {
    await world.play('begin alice', 'savepoint first', 'begin bob')
    expect(await offered(world, 'ge')).toEqual(['get ', 'get-for-update '])
    expect(await offered(world, 'al')).toEqual(['alice: '])
    expect(await offered(world, 'd')).toEqual(['delete ', 'delete-range ', 'db: '])
    expect(await offered(world, '')).toEqual(expect.arrayContaining(['begin ', 'alice: ', 'bob: ', 'db: ']))
    expect(await offered(world, 'alice: comm')).toEqual(['commit '])
    expect(await offered(world, 'alice: al')).toEqual([])
    expect(await offered(world, 'use ')).toEqual(['alice ', 'bob '])
    expect(await offered(world, 'explain b')).toEqual(['bob '])
    expect(await offered(world, 'begin x --')).toEqual(['--snapshot ', '--read-only ', '--deferrable '])
    expect(await offered(world, 'begin x --s')).toEqual(['--snapshot '])
    expect(await offered(world, 'scan ')).toContain('--prefix ')
    expect(await offered(world, 'help ex')).toEqual(['explain ', 'exit '])
    expect(await offered(world, 'rollback ')).toEqual(['to '])
    expect(await offered(world, 'alice: rollback to ')).toEqual(['first '])
    expect(await offered(world, 'rollback to ')).toEqual([])
    expect(await offered(world, 'nonsense ')).toEqual([])
    expect(await offered(world, 'begin ')).toEqual([])
  }))

test('keys are offered by what is typed of them, in the form in which it is typed', () =>
  inShell(async (world) => {
    for (const key of ['user/ann', 'user/ben', 'other', 'with blank', 'with"quote']) await world.db.put(key, '1')
    await world.db.put(Buffer.from([0, 0xff]), '1')
    expect(await complete(world, 'get us')).toEqual([['user/ann ', 'user/ben '], 'us'])
    expect(await complete(world, 'put user/a')).toEqual([['user/ann '], 'user/a'])
    expect(await complete(world, 'get with')).toEqual([['"with blank" ', String.raw`"with\"quote" `], 'with'])
    expect(await complete(world, 'get "with b')).toEqual([['"with blank" '], '"with b'])
    expect(await complete(world, 'get 0x0')).toEqual([expect.arrayContaining(['0x00ff ']), '0x0'])
    expect(await complete(world, 'get 0x00f')).toEqual([['0x00ff '], '0x00f'])
    expect(await complete(world, 'scan --from oth')).toEqual([['other '], 'oth'])
    expect(await complete(world, 'scan --from=oth')).toEqual([['other '], 'oth'])
    expect(await complete(world, 'scan --limit ')).toEqual([[], ''])
    expect(await complete(world, 'scan --limit=')).toEqual([[], '--limit='])
    expect(await complete(world, 'put other ')).toEqual([[], ''])
    expect(await complete(world, String.raw`get "with\x`)).toEqual([[], String.raw`"with\x`])
  }))

test('completionKeysMax: so many keys are offered at most', () =>
  inShell(async (world) => {
    await world.db.transact((tx) => {
      for (let i = 0; i < 100; i++) tx.put(`k${i}`, '1')
    })
    expect(await offered(world, 'get k')).toHaveLength(SHELL_LIMITS.completionKeysMax)
  }))

test('looking for keys is no read: whoever would be aborted by one commits', () =>
  inShell(async (world) => {
    const { play, type, db } = world
    // A lone read of k after the deposit would be what makes the withdrawal wrong, as in demos/read-only-anomaly.strictkv.
    await play(
      'put k 0',
      'put savings 0',
      'begin withdrawal',
      'get savings',
      'db: put savings 20',
      'withdrawal: put k 1',
    )
    expect(await offered(world, 'get ')).toEqual(['k ', 'savings '])
    expect(db.stats().transactions.readerFloors).toBe(0)
    expect(await type('withdrawal: commit')).toEqual([expect.stringContaining('committed at')])
  }))

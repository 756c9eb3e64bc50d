/** What each command of the shell does to its transactions, and what it prints. */
import { SHELL_LIMITS } from '../../../src/cli/shell/shell-limits'
import { inShell } from './shell-world'
import type { ShellWorld } from './shell-world'

describe('without a transaction', () => {
  test('each operation is one of its own, committed at once', () =>
    inShell(async ({ play, type }) => {
      expect(await type('put a 1')).toEqual(['committed at 1'])
      expect(await type('get a')).toEqual(['"1"'])
      expect(await play('delete a', 'get a')).toEqual(['(none)'])
      expect(await play('put p/1 x', 'put p/2 y', 'put q z', 'delete-range --prefix p/', 'scan')).toEqual([
        '"q" = "z"',
        '(1 row)',
      ])
      expect(await type('count')).toEqual(['1 row'])
    }))

  test('what needs a transaction says how to begin one', () =>
    inShell(async ({ type }) => {
      for (const command of ['commit', 'rollback', 'savepoint s', 'get-for-update k']) {
        expect((await type(command))[0]).toContain('begin NAME begins one')
      }
    }))
})

describe('transactions by name', () => {
  test('the one begun last is the current one, others are addressed, and use goes back', () =>
    inShell(async ({ play, type }) => {
      await play('begin ann', 'put k ann', 'begin ben', 'put k ben')
      expect(await type('get k')).toEqual(['"ben"'])
      expect(await type('ann: get k')).toEqual(['"ann"'])
      expect(await type('db: get k')).toEqual(['(none)'])
      expect(await play('use ann', 'get k')).toEqual(['"ann"'])
      expect(await play('use', 'get k')).toEqual(['(none)'])
      expect(await play('ann: commit', 'get k')).toEqual(['"ann"'])
    }))

  test('list shows them, and begin refuses a name that is open', () =>
    inShell(async ({ play, type }) => {
      expect(await type('list')).toEqual(['(no transactions are open)'])
      await play('begin ann', 'get k', 'put k 1', 'begin ben --snapshot', 'begin cem --read-only')
      expect(await type('list')).toEqual([
        '  ann  open, serializable, reads at 0, 1 read, 1 write',
        '  ben  open, snapshot, reads at 0, 0 reads, 0 writes',
        '* cem  open, read-only, reads at 0, 0 reads, 0 writes',
      ])
      expect((await type('begin ann'))[0]).toContain('it is open already')
      expect((await type('nobody: get k'))[0]).toContain('open are ann, ben, cem')
      expect((await type('cem: put k 1'))[0]).toContain('read-only transaction')
    }))

  test('a savepoint undoes writes since, with those made behind it', () =>
    inShell(async ({ play, type }) => {
      await play('begin t', 'put a 1', 'savepoint one', 'put b 2', 'savepoint two', 'put c 3')
      expect((await type('savepoint one'))[0]).toContain('choose another name')
      expect(await type('rollback to one')).toEqual(['rolled back to one; what was read stays read'])
      expect((await type('rollback to two'))[0]).toContain('it has no savepoint')
      expect(await type('scan')).toEqual(['"a" = "1"', '(1 row)'])
      await play('put d 4', 'commit')
      expect(await type('scan --keys --reverse')).toEqual(['"d"', '"a"', '(2 rows)'])
    }))

  test('a commit without writes says so, and a rollback leaves nothing', () =>
    inShell(async ({ play, type }) => {
      expect(await play('put k 1', 'begin t', 'get k', 'commit')).toEqual(['committed: it only read, at 1'])
      expect(await play('begin t', 'put k 2', 'rollback')).toEqual(['rolled back'])
      expect(await type('get k')).toEqual(['"1"'])
    }))

  test('leaving rolls back what is open, and says so', () =>
    inShell(async ({ play, session, db }) => {
      await play('begin ann', 'put k 1', 'begin ben', 'put k 2')
      const lines = await play('exit')
      await session.end()
      expect(lines).toEqual(['rolled back: ann, ben'])
      expect(await db.get('k')).toBeUndefined()
    }))
})

describe('a conflict', () => {
  test('is a sentence and a drawing; its transaction has ended', () =>
    inShell(async ({ play, type, session }) => {
      await skew(play)
      const lines = await type('alice: commit')
      expect(lines[0]).toMatch(
        /^aborted: Cannot commit transaction \d+ \(alice\): .*; no serial order has all of them$/,
      )
      expect(lines.slice(1)).toEqual([
        '  ╭─▶ alice',
        '  │     │  read "bob" as it was before bob wrote it: it comes before bob',
        '  │   bob',
        '  │     │  read "alice" as it was before alice wrote it: it comes before alice',
        '  ╰─────╯',
      ])
      expect(session.participants).toEqual([])
      expect((await type('alice: get alice'))[0]).toContain('none is open')
    }))

  test('is forecast by explain, which changes nothing, without a name for all', () =>
    inShell(async ({ play, type }) => {
      await skew(play)
      const lines = await type('explain alice')
      expect(lines).toContain('  missed     bob, which wrote "bob", committed at 2: before it in every serial order')
      expect(lines.some((line) => line.startsWith('  commit now would be refused: Cannot commit'))).toBe(true)
      await play('begin cem', 'use')
      expect(
        (await type('explain')).filter((line) => line.includes('reads at')).map((line) => line.split(' ')[0]),
      ).toEqual(['alice', 'cem'])
      expect((await type('alice: explain'))[0]).toContain('alice open')
    }))

  test('that dooms somebody else is noticed at once, and explained when that one goes on', () =>
    inShell(async ({ play, type }) => {
      // The reads of victim alone close a cycle: it missed winner, which missed what victim's snapshot holds.
      await play('begin winner', 'get stale', 'db: put stale 1', 'begin victim', 'get k', 'winner: put k 1')
      const lines = await type('winner: commit')
      expect(lines).toEqual([expect.stringContaining('committed at'), 'victim is doomed: its next command says why'])
      expect(await type('list')).toEqual([expect.stringContaining('victim  doomed')])
      expect((await type('explain victim')).at(-1)).toContain('  doomed     Cannot commit transaction')
      expect((await type('db: get k'))[0]).toBe('"1"')
      expect((await type('victim: get k'))[0]).toContain('aborted: Cannot commit')
      expect(await type('list')).toEqual(['(no transactions are open)'])
    }))
})

describe('a command that has to wait', () => {
  test('says behind whom, lets the shell go on, and prints when it ends', () =>
    inShell(async ({ play, type, session, late }) => {
      await play('put k 0', 'begin ann', 'get-for-update k', 'begin ben')
      expect(await type('get-for-update k')).toEqual(['waits: ben is in the queue for "k" behind ann'])
      expect((await type('list'))[1]).toContain('ben  is in the queue for "k" behind ann')
      expect((await type('ben: put k 2'))[0]).toContain('ben is in the middle of get-for-update')
      expect(await play('db: put other 1', 'db: get other')).toEqual(['"1"'])
      await play('ann: put k 1', 'ann: commit')
      expect(await session.late('ben')).toBe('done')
      expect(late).toEqual(['ben: "1"'])
      expect(await play('ben: put k 2', 'ben: commit')).toEqual([expect.stringContaining('committed at')])
    }))

  test('is given up by a rollback', () =>
    inShell(async ({ play, type, session, late }) => {
      await play('begin ann', 'get-for-update k', 'begin ben', 'get-for-update k')
      expect(await type('ben: rollback')).toEqual(['rolled back'])
      expect(await session.late('ben')).toBe('done')
      expect(late).toEqual(['ben: given up'])
      expect(await play('begin ben', 'get k')).toEqual(['(none)'])
    }))

  test('is refused where it would never end', () =>
    inShell(async ({ play, type, session, late }) => {
      await play('begin ann', 'get-for-update x', 'begin ben', 'get-for-update y', 'get-for-update x')
      expect((await type('ann: get-for-update y'))[0]).toContain('aborted: Cannot let transaction')
      expect(await session.late('ben')).toBe('done')
      expect(late).toEqual(['ben: (none)'])
      expect(await type('list')).toEqual([expect.stringContaining('ben  open')])
    }))

  test('of a deferrable reader waits for a safe snapshot', () =>
    inShell(async ({ play, type, session, late }) => {
      await play('begin writer', 'get k', 'db: put k 1', 'begin report --deferrable')
      expect(await type('report: scan')).toEqual([
        'waits: report needs a safe snapshot, and stands behind writer until that one ends',
      ])
      await type('writer: rollback')
      expect(await session.late('report')).toBe('done')
      expect(late).toEqual(['report: "k" = "1"', 'report: (1 row)'])
      expect((await type('explain report'))[0]).toContain('safe: nothing can abort it')
    }))

  test('at the commit gate says behind whom', () =>
    inShell(
      async ({ play, type, session, late, db }) => {
        await play('begin ann', 'put k ann')
        let commitAnn: Promise<string[]> | undefined
        await db.transact(
          async (tx) => {
            await tx.get('contested')
            // The first attempt loses to this write; the second one holds the gate.
            if (tx.attempt === 1) await type('db: put contested 1')
            else commitAnn = type('ann: commit')
            await commitAnn
            tx.put('contested', '2')
          },
          { label: 'starving' },
        )
        expect(await commitAnn).toEqual(['waits: ann stands at the commit gate behind starving'])
        expect(await session.late('ann')).toBe('done')
        expect(late).toEqual([expect.stringMatching(/^ann: committed at \d+$/)])
      },
      { starvationLossesMax: 1, gateLeaseMs: 60_000 },
    ))

  test('is left to itself if it does not heed an interruption (looked at each waitLookMs, for interruptMs)', () =>
    inShell(async (world) => {
      const { play, type, session, late } = world
      await play('put a 1', 'begin t')
      let drain: (() => void) | undefined
      world.drained = () => new Promise((resolve) => (drain = resolve))
      const scanning = type('scan')
      world.onLine = () => world.interrupt.abort()
      expect((await scanning).at(-1)).toBe('t goes on in the background, and prints when it ends')
      expect(SHELL_LIMITS.waitLookMs).toBeLessThan(SHELL_LIMITS.interruptMs)
      world.interrupt = new AbortController()
      expect((await type('t: get a'))[0]).toContain('t is in the middle of scan')
      drain!()
      expect(await session.late('t')).toBe('failed')
      expect(late).toEqual(['t: interrupted after 1 row'])
      expect(await type('t: get a')).toEqual(['"1"'])
    }))

  test('is rolled back when the shell is left', () =>
    inShell(async ({ play, session, late }) => {
      await play('begin ann', 'get-for-update k', 'begin ben', 'get-for-update k')
      await session.end()
      expect(late).toEqual([expect.stringMatching(/^ben: (given up|\(none\))$/)])
    }))
})

describe('a scan', () => {
  test('ends at the page where it is interrupted (pageRowsMax), and only what was shown counts as read', () =>
    inShell(async (world) => {
      const { db, type } = world
      await db.transact((tx) => {
        for (let i = 0; i < 1000; i++) tx.put(`k${String(i).padStart(4, '0')}`, 'v')
      })
      await type('begin t')
      world.onLine = (text) => {
        if (text.includes('k0100')) world.interrupt.abort()
      }
      expect((await type('scan')).at(-1)).toBe(`interrupted after ${SHELL_LIMITS.pageRowsMax} rows`)
      world.interrupt = new AbortController()
      const { reads } = world.session.participants[0]!.transaction.explain()
      expect(Buffer.from(reads.first[0]!.range!.end!).toString().slice(0, 5)).toBe(`k0${SHELL_LIMITS.pageRowsMax - 1}`)
      expect(await type('scan --from k0998')).toEqual(['"k0998" = "v"', '"k0999" = "v"', '(2 rows)'])
    }))

  test('cuts long values for the eye (valueCharsShown), get shows all of them, and nothing steers the terminal', () =>
    inShell(async ({ db, type }) => {
      await db.put('long', 'v'.repeat(1000))
      await db.put(Buffer.from([0x1b, 0x0a, 0xff]), '"\\')
      expect(await type('scan')).toEqual([
        String.raw`"\x1b\n\xff" = "\"\\"`,
        `"long" = "${'v'.repeat(SHELL_LIMITS.valueCharsShown)}..." (1000 bytes)`,
        '(2 rows)',
      ])
      expect((await type('get long'))[0]).toHaveLength(1002)
    }))
})

describe('about the shell', () => {
  test('help lists every command, and shows one', () =>
    inShell(async ({ type }) => {
      const all = (await type('help')).join('\n')
      for (const name of ['begin', 'get-for-update', 'delete-range', 'explain', 'exit'])
        expect(all).toContain(`  ${name}`)
      expect((await type('help begin'))[0]).toBe('begin NAME [--snapshot] [--read-only] [--deferrable]')
      expect((await type('ann: help'))[0]).toContain('it is about the shell')
    }))

  test('history shows every version of a key, and is no read', () =>
    inShell(async ({ play, type, session }) => {
      await play('put k 1', 'delete k', 'put k 2', 'begin t')
      expect(await type('history k')).toEqual([
        '"k": 3 versions',
        expect.stringMatching(/^ {2}sequence 3: put "2"; memtable/),
        expect.stringMatching(/^ {2}sequence 2: delete; memtable/),
        expect.stringMatching(/^ {2}sequence 1: put "1"; memtable/),
      ])
      expect(session.current?.transaction.explain().reads.total).toBe(0)
      expect(await type('history none')).toEqual(['"none": 0 versions'])
    }))

  test('info and stats show the figures of the database', () =>
    inShell(async ({ play, type, db }) => {
      await play('put a 1', 'put b 2')
      await db.flush()
      const info = await type('info')
      expect(info[0]).toContain(db.path)
      expect(info).toContainEqual(expect.stringMatching(/^sequences +decided 2, published 2$/))
      expect(info).toContainEqual(expect.stringMatching(/^level 0 +1 table in 1 run, 2 versions, /))
      const stats = await type('stats')
      expect(stats).toContain('transactions: 2 commits, 0 aborts, 0 deadlocks')
      expect(stats).toContainEqual(expect.stringMatching(/^conflict graph +\d/))
    }))

  test('stats name the transaction that reads at the oldest sequence', () =>
    inShell(async ({ play, type }) => {
      const oldest = async (): Promise<string[]> => (await type('stats')).filter((line) => line.startsWith('oldest'))
      expect(await oldest()).toEqual([])
      await play('put a 1', 'begin ann', 'db: put a 2', 'db: put a 3', 'begin ben')
      expect(await oldest()).toEqual([
        expect.stringMatching(/^oldest reader: transaction \d+ "ann", at commit 1, 2 commits behind, open for /),
      ])
      await play('ann: rollback')
      expect(await oldest()).toEqual([expect.stringMatching(/^oldest reader: transaction \d+ "ben", at commit 3, 0 commits behind, /)]) // prettier-ignore
    }))
})

/** Both doctors have looked; bob has left and committed; alice has written. */
async function skew(play: ShellWorld['play']): Promise<void> {
  await play('put alice on', 'begin alice', 'begin bob', 'alice: get bob', 'bob: get alice')
  await play('alice: put alice off', 'bob: put bob off', 'bob: commit')
}

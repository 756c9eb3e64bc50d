/**
 * The shell as a person uses it, through a pseudo-terminal: completion, history, Ctrl-C and Ctrl-D, waits, the abort of write skew.
 */
import path from 'node:path'
import { open } from '../../../src/index'
import { useDirectories } from '../test-terminal'
import type { PseudoTerminal } from './pseudo-terminal'
import { KEYS, startInTerminal } from './pseudo-terminal'

const createDirectory = useDirectories()
/** More than all buffers between the shell and the test can take. */
const MANY_ROWS = 100_000

/** Types a line and waits for what it prints, and for the next prompt. */
async function type(terminal: PseudoTerminal, line: string, text: string): Promise<void> {
  terminal.enter(line)
  await terminal.see(text)
}

describe('the shell in a terminal', () => {
  test('shows the abort of write skew with its sentence and its drawing, in colours', async () => {
    const directory = createDirectory()
    const terminal = startInTerminal(['shell', directory, '--create'], { STRICTKV_HISTORY: '' })
    await terminal.see('strictkv> ')
    await type(terminal, 'put alice on', 'committed at 1')
    await type(terminal, 'put bob on', 'committed at 2')
    await type(terminal, 'begin alice', 'alice> ')
    await type(terminal, 'begin bob', 'bob> ')
    await type(terminal, 'alice: get bob', '"on"')
    await type(terminal, 'bob: get alice', '"on"')
    await type(terminal, 'alice: put alice off', 'ok')
    await type(terminal, 'put bob off', 'ok')
    await type(terminal, 'commit', 'committed at 3')
    await type(terminal, 'alice: commit', '; no serial order has all of them')
    await terminal.see('╰─────╯')
    expect(terminal.raw()).toContain('\x1b[31maborted: Cannot commit transaction')
    await type(terminal, 'get alice', '"on"')
    terminal.press(KEYS.ctrlD)
    expect(await terminal.ended()).toBe(0)
  })

  test('completes, clears the line at Ctrl-C, says who was rolled back at Ctrl-D, and keeps the history', async () => {
    const directory = createDirectory()
    const environment = { XDG_STATE_HOME: path.join(directory, 'state'), NO_COLOR: '1' }
    const terminal = startInTerminal(['shell', path.join(directory, 'data'), '--create'], environment)
    await terminal.see('strictkv> ')
    await type(terminal, 'put account 100', 'committed at 1')
    // A command by its beginning, then the name.
    terminal.press('beg', KEYS.tab)
    await terminal.see('begin ')
    await type(terminal, 'ann', 'ann> ')
    // A key by its beginning.
    terminal.press('get acc', KEYS.tab)
    await terminal.see('account')
    terminal.press(KEYS.enter)
    await terminal.see('"100"')
    // Half a line, given up: nothing of it runs.
    terminal.press('put account 0')
    await terminal.see('put account 0')
    terminal.press(KEYS.ctrlC)
    await terminal.see('^C')
    await type(terminal, 'get account', '"100"')
    // The line before, from the history.
    terminal.press(KEYS.up)
    await terminal.see('get account')
    terminal.press(KEYS.enter)
    await terminal.see('"100"')
    terminal.press(KEYS.ctrlD)
    await terminal.see('rolled back: ann')
    expect(await terminal.ended()).toBe(0)
    expect(terminal.raw()).not.toMatch(/\x1b\[\d+m/)

    const again = startInTerminal(['shell', path.join(directory, 'data')], environment)
    await again.see('strictkv> ')
    again.press(KEYS.up)
    await again.see('get account')
    again.press(KEYS.enter)
    await again.see('"100"')
    again.enter('exit')
    expect(await again.ended()).toBe(0)
  })

  test('prints what a waiting command comes to above the line that is being typed, which stays', async () => {
    const terminal = startInTerminal(['shell', '--temporary'], { STRICTKV_HISTORY: '', NO_COLOR: '1' })
    await terminal.see('strictkv> ')
    await type(terminal, 'begin report --deferrable', 'report> ')
    await type(terminal, 'rollback', 'rolled back')
    await type(terminal, 'begin ann', 'ann> ')
    await type(terminal, 'get-for-update k', '(none)')
    await type(terminal, 'begin ben', 'ben> ')
    await type(terminal, 'get-for-update k', 'waits: ben is in the queue for "k" behind ann')
    await type(terminal, 'ann: put k 1', 'ok')
    // Two lines at once: the second one is typed while the first one runs.
    terminal.press('ann: commit', KEYS.enter, 'put k ')
    await terminal.see('ben: "1"')
    terminal.press('2', KEYS.enter)
    await terminal.see('ok')
    await type(terminal, 'commit', 'committed at 2')
    await type(terminal, 'get k', '"2"')
    terminal.press(KEYS.ctrlD)
    expect(await terminal.ended()).toBe(0)
  })

  test('interrupts a scan at Ctrl-C and goes on', async () => {
    const directory = createDirectory()
    const db = await open(directory)
    await db.load(Array.from({ length: MANY_ROWS }, (_, index) => [`row/${String(index).padStart(8, '0')}`, 'v'.repeat(50)] as const)) // prettier-ignore
    await db.close()
    const terminal = startInTerminal(['shell', directory], { STRICTKV_HISTORY: '', NO_COLOR: '1' })
    await terminal.see('strictkv> ')
    terminal.enter('scan')
    await terminal.see('row/00000001')
    terminal.pause()
    terminal.press(KEYS.ctrlC)
    terminal.resume()
    await terminal.see('interrupted after')
    await type(terminal, 'scan --limit 1', '(1 row)')
    terminal.press(KEYS.ctrlD)
    expect(await terminal.ended()).toBe(0)
    expect(terminal.raw()).not.toContain(`row/${String(MANY_ROWS - 1).padStart(8, '0')}`)
  })
})

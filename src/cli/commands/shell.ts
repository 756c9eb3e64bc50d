/**
 * `strictkv shell [DIR]`: named concurrent transactions by hand in a terminal, or from a script on standard input.
 *
 * A script is read and parsed whole before its first command runs. Pinned by test/cli/shell/command.test.ts, script.test.ts and
 * terminal.test.ts.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Database } from '../../index'
import { printJson } from '../answer'
import { UsageError } from '../cli-errors'
import type { Command, Invocation } from '../command'
import type { ExitCode } from '../exit-codes'
import { EXIT_DONE } from '../exit-codes'
import { flagOption } from '../invocation'
import { withDatabase } from '../open-database'
import { createPaint } from '../paint'
import { ScriptOutput, parseScript, recordsToJson, runScript } from '../shell/script'
import type { ScriptStep } from '../shell/script'
import { ShellSession } from '../shell/session'
import { SHELL_LIMITS } from '../shell/shell-limits'
import { runInteractive } from '../shell/terminal'

export const shellCommand: Command = {
  name: 'shell',
  summary: 'run named concurrent transactions by hand, or a script of them',
  positionals: ['[DIR]'],
  options: [
    { name: 'create', about: 'create the database where there is none' },
    { name: 'read-only', about: 'open for reading alone' },
    { name: 'temporary', about: 'use a database of its own that is gone afterwards, instead of DIR' },
    { name: 'echo', about: 'print the lines of a script before what they print' },
  ],
  help: {
    about: [
      'In a terminal: a prompt with history (up and down), completion (Tab) of commands, names and keys, and several transactions at a time: "begin alice", "begin bob", "alice: get x". A command that has to wait for another transaction says so, and prints when it ends. A conflict is shown as a sentence and as a drawing of the cycle; "explain" shows what a transaction has read, whom it missed, and what a commit would come to. "help" lists the commands.',
      'From a file or pipe: a script, the same commands, one a line. Each must succeed; lines beginning with -> behind it say what it prints instead ("..." stands for anything). What comes otherwise ends the script with exit code 1 and names the line. A line that is no command at all is found before anything runs (exit code 2).',
      'The history is kept in $XDG_STATE_HOME/strictkv/history, or ~/.local/state/strictkv/history; STRICTKV_HISTORY names another file, and none if it is empty. Lines that begin with a blank are not kept.',
    ],
    examples: [
      { want: 'play with transactions on a database that is gone afterwards', line: 'strictkv shell --temporary' },
      { want: 'open a database, or make one', line: 'strictkv shell ./data --create' },
      {
        want: 'run a script and see its lines, too',
        line: 'strictkv shell --temporary --echo < write-skew.strictkv',
      },
      {
        want: 'change something in a way that fails loudly',
        line: "printf 'put greeting hello\\n' | strictkv shell ./data",
      },
    ],
  },
  run: async (invocation) => {
    const script = isInteractive(invocation) ? undefined : parseScript(await readInput(invocation))
    await withPlace(invocation, (db) =>
      script === undefined ? runInteractive(db, invocation.terminal) : play(script, db, invocation),
    )
    return EXIT_DONE
  },
}

function isInteractive({ terminal, json }: Invocation): boolean {
  if (!terminal.inputIsTerminal || !terminal.isTerminal) return false
  if (json) throw new UsageError('Cannot run a shell in a terminal with --json: give it a script on standard input')
  return true
}

/** All of standard input. Throws `UsageError` beyond `scriptBytesMax`, or where it is no text. */
async function readInput({ terminal }: Invocation): Promise<string> {
  const { scriptBytesMax } = SHELL_LIMITS
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of terminal.input) {
    terminal.signal.throwIfAborted()
    pieces.push(piece)
    bytes += piece.length
    if (bytes > scriptBytesMax) {
      throw new UsageError(`Cannot read the script: it is longer than ${scriptBytesMax} bytes; cut it in parts`)
    }
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces))
  } catch {
    throw new UsageError(
      'Cannot read the script: it is no valid UTF-8; write other bytes as 0x..., or as \\xHH in quotes',
    )
  }
}

/** Opens the database that was named, or a temporary one. */
async function withPlace(invocation: Invocation, use: (db: Database) => Promise<void>): Promise<ExitCode> {
  const [directory] = invocation.positionals
  const [create, readOnly] = [flagOption(invocation, 'create'), flagOption(invocation, 'read-only')]
  if (!flagOption(invocation, 'temporary')) {
    if (directory === undefined) throw new UsageError('Cannot run shell: DIR is missing; or give --temporary')
    if (create && readOnly) throw new UsageError('Cannot run shell with --create and --read-only: creating writes')
    await withDatabase(invocation, { directory, create, readOnly }, use)
    return EXIT_DONE
  }
  if (directory !== undefined || create || readOnly) {
    throw new UsageError('Cannot run shell --temporary with a directory, --create or --read-only: it makes its own')
  }
  const temporary = mkdtempSync(path.join(tmpdir(), 'strictkv-shell-'))
  try {
    await withDatabase(invocation, { directory: temporary, create: true }, use)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  return EXIT_DONE
}

async function play(steps: readonly ScriptStep[], db: Database, invocation: Invocation): Promise<void> {
  const { terminal, json } = invocation
  const paint = createPaint(terminal.colours && !json)
  const print = (text: string): void => {
    if (!json) terminal.out(`${text}\n`)
  }
  const output = new ScriptOutput(print, () => terminal.drained())
  const session = new ShellSession(db, output, paint)
  const isEchoed = flagOption(invocation, 'echo')
  const onStep = ({ before, text, command }: ScriptStep): void => {
    if (!isEchoed) return
    for (const line of before) print(paint.dim(line))
    if (command !== undefined) print(paint.bold(`> ${text}`))
  }
  try {
    const records = await runScript(steps, { session, output, signal: terminal.signal, onStep })
    if (json) printJson(terminal, recordsToJson(records))
  } finally {
    await session.end()
  }
}

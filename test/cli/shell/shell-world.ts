/**
 * A shell session over a real database in a directory of its own, given lines as they are typed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { UsageError } from '../../../src/cli/cli-errors'
import { createPaint } from '../../../src/cli/paint'
import { parseLine } from '../../../src/cli/shell/parse'
import { ShellSession } from '../../../src/cli/shell/session'
import { open } from '../../../src/index'
import type { Database, OpenOptions } from '../../../src/index'

/** See the file's header. */
export interface ShellWorld {
  readonly db: Database
  readonly session: ShellSession
  /** Lines of commands that had to wait, each behind its name. */
  readonly late: string[]
  /** Aborted to interrupt the command that runs. */
  interrupt: AbortController
  /** Called with every line, when it is printed. */
  onLine: ((text: string) => void) | undefined
  /** When the output has been taken. */
  drained: () => Promise<void>
  /** Runs a line and gives what it printed. */
  type(line: string): Promise<string[]>
  /** Runs lines of which only the last matters. */
  play(...lines: string[]): Promise<string[]>
}

/** Runs `use` in a fresh world, and sees to it that nothing stays open. */
export async function inShell<T>(use: (world: ShellWorld) => Promise<T>, options: OpenOptions = {}): Promise<T> {
  const directory = await mkdtemp(path.join(tmpdir(), 'strictkv-shell-test-'))
  const db = await open(directory, { durability: 'os', logMode: 'inline', backgroundMode: 'inline', ...options })
  const world = createWorld(db)
  try {
    const result = await use(world)
    await world.session.end()
    expect(db.stats().transactions.transactionsActive).toBe(0)
    return result
  } finally {
    await db.close()
    await rm(directory, { recursive: true, force: true })
  }
}

function createWorld(db: Database): ShellWorld {
  let lines: string[] = []
  const late: string[] = []
  const output = {
    line: (text: string) => {
      lines.push(text)
      world.onLine?.(text)
    },
    late: (name: string, text: string) => void late.push(`${name}: ${text}`),
    drained: () => world.drained(),
  }
  const session = new ShellSession(db, output, createPaint(false))
  const world: ShellWorld = {
    ...{ db, session, late, interrupt: new AbortController(), onLine: undefined, drained: () => Promise.resolve() },
    type: async (line) => {
      lines = []
      try {
        const parsed = parseLine(line)
        if (parsed.kind === 'command') await session.run(parsed, world.interrupt.signal)
      } catch (error) {
        if (!(error instanceof UsageError)) throw error
        lines.push(`error: ${error.message}`)
      }
      return lines
    },
    play: async (...typed) => {
      let last: string[] = []
      for (const line of typed) last = await world.type(line)
      return last
    },
  }
  return world
}

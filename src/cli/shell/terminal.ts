/**
 * The shell in a terminal: line editing, history, completion, Ctrl-C and Ctrl-D, over node:readline.
 *
 * Ctrl-C clears the line, or interrupts the command that runs. Ctrl-D leaves; what is open is rolled back, and said. Lines of a
 * command that had to wait are printed above the line that is being typed, which stays. Lines pasted at once run one after the
 * other. The one file of the shell that touches the process's streams. Pinned by test/cli/shell/terminal.test.ts.
 */
import { clearLine, createInterface, cursorTo } from 'node:readline'
import type { Interface } from 'node:readline'
import type { Database } from '../../index'
import { UsageError } from '../cli-errors'
import type { Terminal } from '../command'
import type { Paint } from '../paint'
import { createPaint } from '../paint'
import type { Completion } from './completion'
import { completeLine, keysForCompletion } from './completion'
import { historyFileOf, openHistory } from './history'
import type { ShellHistory } from './history'
import { parseLine } from './parse'
import { ShellSession } from './session'
import { SHELL_LIMITS } from './shell-limits'

/** Runs until the person leaves. Rejects with the signal's reason. */
export async function runInteractive(db: Database, terminal: Terminal): Promise<void> {
  const shell = new InteractiveShell(db, terminal)
  await shell.run()
  terminal.signal.throwIfAborted()
}

class InteractiveShell {
  readonly #terminal: Terminal
  readonly #paint: Paint
  readonly #history: ShellHistory
  readonly #session: ShellSession
  readonly #lines: Interface
  /** Typed and not run yet. */
  readonly #typed: string[] = []
  #wake: (() => void) | undefined
  #isClosed = false
  /** Of the command that runs. */
  #running: AbortController | undefined

  constructor(db: Database, terminal: Terminal) {
    this.#terminal = terminal
    this.#paint = createPaint(terminal.colours)
    this.#history = openHistory(historyFileOf(terminal.environment))
    this.#session = new ShellSession(
      db,
      {
        line: (text) => terminal.out(`${text}\n`),
        late: (name, text) => this.#printAbove(`${this.#paint.cyan(`${name}:`)} ${text}`),
        drained: () => terminal.drained(),
      },
      this.#paint,
    )
    this.#lines = createInterface({
      input: process.stdin,
      output: process.stdout,
      terminal: true,
      history: [...this.#history.lines].reverse(),
      historySize: SHELL_LIMITS.historyLinesMax,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: Error | null, completion: Completion) => void) => {
        void this.#complete(line, db).then((completion) => done(null, completion))
      },
    })
  }

  async run(): Promise<void> {
    this.#listen()
    const { dim, yellow } = this.#paint
    this.#terminal.out(`${dim('help shows the commands, Tab completes, Ctrl-D leaves')}\n`)
    if (this.#history.problem !== undefined) this.#terminal.out(`${yellow(this.#history.problem)}\n`)
    for (let line = await this.#next(); line !== undefined; line = await this.#next()) {
      this.#history.add(line)
      if (await this.#runLine(line)) break
    }
    this.#isClosed = true
    this.#lines.close()
    await this.#session.end()
  }

  #listen(): void {
    this.#lines.on('line', (line) => {
      this.#typed.push(line)
      this.#wake?.()
    })
    this.#lines.on('close', () => {
      // Ctrl-D leaves the cursor behind the prompt.
      if (!this.#isClosed) this.#terminal.out('\n')
      this.#isClosed = true
      this.#running?.abort()
      this.#wake?.()
    })
    this.#lines.on('SIGINT', () => {
      if (this.#running === undefined) this.#clearLine()
      else this.#running.abort()
    })
    this.#terminal.signal.addEventListener('abort', () => this.#lines.close(), { once: true })
  }

  /** The next line; undefined when the person leaves. */
  async #next(): Promise<string | undefined> {
    while (this.#typed.length === 0) {
      if (this.#isClosed) return undefined
      this.#lines.setPrompt(this.#prompt())
      this.#lines.prompt()
      await new Promise<void>((resolve) => (this.#wake = resolve))
      this.#wake = undefined
    }
    return this.#typed.shift()
  }

  #prompt(): string {
    const { current } = this.#session
    return `${this.#paint.bold(current === undefined ? 'strictkv' : current.name)}> `
  }

  /** Whether it was the last one. */
  async #runLine(line: string): Promise<boolean> {
    try {
      const parsed = parseLine(line)
      // What a script expects is no matter here: whoever pastes one sees for himself.
      if (parsed.kind !== 'command') return false
      this.#running = new AbortController()
      const outcome = await this.#session.run(parsed, this.#running.signal)
      for (const name of this.#session.lateNames()) this.#forgetInTime(name)
      return outcome === 'exit'
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      this.#terminal.out(`${this.#paint.red(`error: ${error.message}`)}\n`)
      return false
    } finally {
      this.#running = undefined
    }
  }

  #forgetInTime(name: string): void {
    const late = this.#session.late(name)
    void late?.then(() => {
      if (this.#session.late(name) === late) this.#session.forgetLate(name)
    })
  }

  /** Prints a line and puts what is being typed below it again. */
  #printAbove(text: string): void {
    if (this.#running !== undefined || this.#isClosed) {
      this.#terminal.out(`${text}\n`)
      return
    }
    clearLine(process.stdout, 0)
    cursorTo(process.stdout, 0)
    this.#terminal.out(`${text}\n`)
    // The transaction may have ended, and the prompt names it.
    this.#lines.setPrompt(this.#prompt())
    this.#lines.prompt(true)
  }

  #clearLine(): void {
    this.#terminal.out('^C\n')
    this.#lines.write(null, { ctrl: true, name: 'e' })
    this.#lines.write(null, { ctrl: true, name: 'u' })
    this.#lines.prompt()
  }

  async #complete(line: string, db: Database): Promise<Completion> {
    if (this.#running !== undefined) return [[], line]
    try {
      return await completeLine(line, {
        session: this.#session,
        keys: (prefix, limit) => keysForCompletion(db, prefix, limit),
      })
    } catch {
      // A key that cannot be read is said by the command that reads it, not by a key press.
      return [[], line]
    }
  }
}

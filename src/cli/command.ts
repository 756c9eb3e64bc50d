/**
 * What a command of `strictkv` is, and all that it knows of the terminal it runs in.
 *
 * A command is data (name, arguments, options, help) and one function. It reaches the world through its `Terminal` and the
 * file system only, so a test runs it in its own process, with a terminal made of arrays.
 *
 * How to write one:
 * 1. Give a `Command` in src/cli/commands/<name>.ts and put it into the list of commands.ts.
 * 2. Say what is wrong with the input by throwing `UsageError` before anything is touched: exit code 2. Typed errors of the store
 *    may simply pass: main.ts prints their message and picks the exit code.
 * 3. Answer with `answer(invocation, document, lines)`: the document under --json, the lines otherwise.
 * 4. Between steps of anything long call `terminal.signal.throwIfAborted()`; write large output through `terminal.out` and await
 *    `terminal.drained()` now and then.
 */
import type { ExitCode } from './exit-codes'

/** One option. `--json` and `--help` are added to every command. */
export interface CommandOption {
  /** Without the dashes, in kebab case. */
  readonly name: string
  /** One letter, if it has a short form. */
  readonly short?: string
  /** What its value is called in the help, as in `KEY`; without one the option is a flag. */
  readonly value?: string
  /** Whether it may be given more than once. */
  readonly multiple?: boolean
  /** One line for the help; begins in lower case, without a full stop. */
  readonly about: string
}

/** One worked example: what somebody wants, and the line that does it. */
export interface CommandExample {
  readonly want: string
  readonly line: string
}

/** What `strictkv help NAME` teaches. */
export interface CommandHelp {
  /** Paragraphs of one or more sentences; broken into lines when printed. */
  readonly about: readonly string[]
  readonly examples: readonly CommandExample[]
}

/** A command. */
export interface Command {
  readonly name: string
  /** One line for the list of commands; begins in lower case, without a full stop. */
  readonly summary: string
  /** The arguments in order, as in ['DIR', 'KEY', '[FILE]']: brackets mean that it may be left out; `...` at the end of the last, any number. */
  readonly positionals: readonly string[]
  readonly options: readonly CommandOption[]
  readonly help: CommandHelp
  /** Resolves to how the process exits. What it throws becomes a sentence on stderr and an exit code. */
  run(invocation: Invocation): Promise<ExitCode>
}

/** What the options were given as: true for a flag, the text of a value, an array where `multiple`. */
export type OptionValues = ReadonlyMap<string, true | string | readonly string[]>

/** One call of a command, its arguments counted and its options known. */
export interface Invocation {
  readonly command: Command
  readonly positionals: readonly string[]
  readonly values: OptionValues
  /** Whether the answer is one JSON document on stdout. */
  readonly json: boolean
  readonly terminal: Terminal
}

/** Where a command runs. */
export interface Terminal {
  /** Writes to standard output. Does nothing once its reader has gone, which aborts `signal`. */
  out(text: string | Uint8Array): void
  /** Resolves when what `out` was given has been taken: await it while writing much. */
  drained(): Promise<void>
  /** Writes to standard error. */
  err(text: string): void
  /** Whether standard output is a terminal; and standard error, where progress is drawn; and standard input. */
  readonly isTerminal: boolean
  readonly errIsTerminal: boolean
  readonly inputIsTerminal: boolean
  /** Width in characters; 80 where it is not known. */
  readonly columns: number
  /** Whether to paint what goes to standard output: it is a terminal, and NO_COLOR is not set. */
  readonly colours: boolean
  /** Standard input. */
  readonly input: AsyncIterable<Uint8Array>
  /** Aborted by Ctrl-C, or when the reader of the output has gone; its reason is an `InterruptedError`. */
  readonly signal: AbortSignal
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Of Node, as in "20.20.2". */
  readonly nodeVersion: string
}

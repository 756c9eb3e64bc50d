/**
 * `strictkv`: finds the command, runs it, and turns whatever it throws into one sentence and an exit code.
 *
 * | thrown | exit code |
 * |---|---|
 * | `UsageError`, `InvalidArgumentError`, `LimitExceededError`, `ReadOnlyError` | 2, bad input |
 * | `DatabaseLockedError` | 3 |
 * | anything, once the signal is aborted | that of the signal: 130 after Ctrl-C, 141 when the reader of the output has gone |
 * | anything else | 1; an error that nobody foresaw is printed with its stack, being a defect |
 *
 * Under --json the error is the answer as well, if the command had not answered yet. entry.ts calls this with the real terminal,
 * tests with one of their own. Pinned by test/cli/main.test.ts.
 */
import { InvariantError } from '../base/assert'
import { StrictKvError } from '../base/errors'
import { answer, printJson } from './answer'
import { CommandError, InterruptedError, UsageError } from './cli-errors'
import type { Command, Terminal } from './command'
import { COMMANDS } from './commands'
import { describeCommand, findCommand } from './commands/help'
import type { ExitCode } from './exit-codes'
import { EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_LOCKED, EXIT_OUTPUT_CLOSED, EXIT_PROBLEM } from './exit-codes'
import { commandHelp } from './help-text'
import { isSystemError, systemErrorText } from './system-errors'
import { asksForHelp, asksForJson, parseInvocation } from './invocation'

/** Runs what `words` say (without node and script). Never rejects. */
export async function main(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const counting = countOutput(terminal)
  try {
    return await run(words, counting.terminal)
  } catch (error) {
    const code = exitCodeOf(error, terminal.signal)
    if (code === EXIT_OUTPUT_CLOSED) return code
    report(error, code, terminal)
    if (asksForJson(words) && counting.isSilent()) printJson(terminal, { error: describeError(error, code) })
    return code
  }
}

async function run(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [first = 'help', ...rest] = words
  if (first === '--version' || first === '-V' || first === '-v')
    return runCommand(findCommand(COMMANDS, 'version'), rest, terminal)
  if (first === '--help' || first === '-h' || first === '--json') {
    return runCommand(findCommand(COMMANDS, 'help'), first === '--json' ? words : rest, terminal)
  }
  return runCommand(findCommand(COMMANDS, first), rest, terminal)
}

async function runCommand(command: Command, words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  if (asksForHelp(words)) {
    const invocation = { command, positionals: [], values: new Map(), json: asksForJson(words), terminal }
    answer(invocation, describeCommand(command), commandHelp(command, terminal.columns))
    return 0
  }
  const invocation = parseInvocation(command, words, terminal)
  const code = await command.run(invocation)
  await terminal.drained()
  const reason: unknown = terminal.signal.reason
  // An answer that nobody has got is none, whatever came of the command.
  if (reason instanceof InterruptedError && reason.exitCode !== EXIT_INTERRUPTED) throw reason
  return code
}

/** How the process exits after `error`. */
export function exitCodeOf(error: unknown, signal: AbortSignal): ExitCode {
  if (signal.aborted) {
    const reason: unknown = signal.reason
    return reason instanceof InterruptedError ? reason.exitCode : EXIT_INTERRUPTED
  }
  if (error instanceof UsageError) return EXIT_BAD_INPUT
  if (!(error instanceof StrictKvError)) return EXIT_PROBLEM
  if (error.code === 'DATABASE_LOCKED') return EXIT_LOCKED
  const isBadInput = ['INVALID_ARGUMENT', 'LIMIT_EXCEEDED', 'READ_ONLY'].includes(error.code)
  return isBadInput ? EXIT_BAD_INPUT : EXIT_PROBLEM
}

function report(thrown: unknown, code: ExitCode, terminal: Terminal): void {
  const reason: unknown = terminal.signal.reason
  // What the work threw for want of its output is not what went wrong.
  const error = reason instanceof InterruptedError && code === EXIT_PROBLEM ? reason : thrown
  const wantsStack = (terminal.environment['STRICTKV_DEBUG'] ?? '') !== ''
  if (code === EXIT_INTERRUPTED && !wantsStack) terminal.err('strictkv: interrupted\n')
  else if (error instanceof Error && (wantsStack || isDefect(error))) terminal.err(`strictkv: ${stackOf(error)}\n`)
  else terminal.err(`strictkv: ${messageOf(error)}\n`)
}

/** Whether nobody foresaw the error: then its stack helps more than its message. */
function isDefect(error: Error): boolean {
  if (error instanceof InvariantError) return true
  const isForeseen = [UsageError, CommandError, InterruptedError, StrictKvError].some((kind) => error instanceof kind)
  // An error of the operating system carries a code, and its message says which file it was.
  return !isForeseen && !('code' in error)
}

function describeError(error: unknown, code: ExitCode): { readonly code: string; readonly message: string } {
  if (code === EXIT_INTERRUPTED) return { code: 'INTERRUPTED', message: 'interrupted' }
  if (error instanceof UsageError) return { code: 'BAD_INPUT', message: error.message }
  if (error instanceof CommandError) return { code: 'FAILED', message: error.message }
  const given = error instanceof Error && 'code' in error ? error.code : undefined
  return { code: typeof given === 'string' ? given : 'DEFECT', message: messageOf(error) }
}

function messageOf(error: unknown): string {
  if (isSystemError(error)) return systemErrorText(error)
  return error instanceof Error ? error.message : String(error)
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${stackOf(error.cause)}` : ''
  return `${error.stack ?? error.message}${cause}`
}

/** The terminal, and whether anything has gone to its standard output. */
function countOutput(terminal: Terminal): { readonly terminal: Terminal; isSilent(): boolean } {
  let isSilent = true
  const out = (text: string | Uint8Array): void => {
    isSilent = false
    terminal.out(text)
  }
  return { terminal: { ...terminal, out }, isSilent: () => isSilent }
}

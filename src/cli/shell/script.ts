/**
 * Runs a script: its commands one after the other, each of which must do what the script says.
 *
 * A command with nothing behind it must succeed, at once. The `->` lines behind one are all that it prints; in them `...` stands
 * for anything, and `...` alone for any lines. `bob -> LINE` are the lines of bob's command that had to wait: the script waits for
 * its end there. Whatever had to wait and then failed, unsaid, is unexpected too.
 *
 * The whole script is parsed before its first command runs. What comes otherwise ends it, naming the line.
 * Pinned by test/cli/shell/script.test.ts.
 */
import type { Json } from '../answer'
import { CommandError, UsageError } from '../cli-errors'
import { withoutPaint } from '../paint'
import { matchLines } from './match'
import type { ShellCommand, ShellExpectation } from './parse'
import { parseLine } from './parse'
import type { ShellOutcome } from './place'
import type { ShellOutput, ShellSession } from './session'
import { SHELL_LIMITS } from './shell-limits'

/** A command with what it must print; or, with `of`, what a command of `of` that had to wait must print in the end. */
export interface ScriptStep {
  /** Of the command, or of the first expectation. */
  readonly line: number
  readonly text: string
  readonly command: ShellCommand | undefined
  readonly of: string | undefined
  /** Empty: nothing is said of its lines. */
  readonly expected: readonly string[]
  /** Lines of the script before it that are no steps, for --echo. */
  readonly before: readonly string[]
}

/** Takes a script apart. Throws `UsageError` that names the line. */
export function parseScript(text: string): ScriptStep[] {
  const steps: (Omit<ScriptStep, 'expected'> & { readonly expected: string[] })[] = []
  let before: string[] = []
  text.split('\n').forEach((raw, index) => {
    const line = index + 1
    const parsed = parsedLine(raw, line)
    if (parsed.kind === 'nothing') {
      before.push(raw.trimEnd())
      return
    }
    if (parsed.kind === 'expectation') expectFurther(steps, parsed, { line, before })
    else steps.push({ line, text: raw.trim(), command: parsed, of: undefined, expected: [], before })
    before = []
  })
  return steps
}

function parsedLine(raw: string, line: number): ReturnType<typeof parseLine> {
  try {
    return parseLine(raw)
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`line ${line} of the script: ${error.message}`)
    throw error
  }
}

function expectFurther(
  steps: (Omit<ScriptStep, 'expected'> & { readonly expected: string[] })[],
  { of, text }: ShellExpectation,
  { line, before }: { readonly line: number; readonly before: readonly string[] },
): void {
  const last = steps.at(-1)
  if (last === undefined)
    throw new UsageError(`line ${line} of the script: -> says what a command printed, and there is none above`)
  if (of === last.of) last.expected.push(text)
  else if (of !== undefined) steps.push({ line, text: `${of} ->`, command: undefined, of, expected: [text], before })
  else
    throw new UsageError(
      `line ${line} of the script: -> stands behind ${last.of ?? ''}'s late lines; put it right behind its command`,
    )
}

/** What a step printed, for --json. */
export interface ScriptRecord {
  readonly line: number
  readonly text: string
  readonly outcome: ShellOutcome
  readonly output: readonly string[]
  /** Lines beyond `jsonLinesMax`. */
  readonly linesLeftOut: number
}

/** Takes the lines that a session prints, one list for the running command and one for each that had to wait. */
export class ScriptOutput implements ShellOutput {
  readonly #print: (text: string) => void
  readonly #drained: () => Promise<void>
  #linesMax = 0
  lines: string[] = []
  linesLeftOut = 0
  readonly #lateByName = new Map<string, string[]>()

  constructor(print: (text: string) => void, drained: () => Promise<void>) {
    this.#print = print
    this.#drained = drained
  }

  line(text: string): void {
    this.#print(text)
    if (this.lines.length < this.#linesMax) this.lines.push(withoutPaint(text))
    else this.linesLeftOut++
  }

  late(name: string, text: string): void {
    this.#print(`${name}: ${text}`)
    const lines = this.#lateByName.get(name) ?? []
    if (lines.length < SHELL_LIMITS.jsonLinesMax) lines.push(withoutPaint(text))
    this.#lateByName.set(name, lines)
  }

  drained(): Promise<void> {
    return this.#drained()
  }

  /** The lines of a new command follow, of which `linesMax` are kept. */
  clear(linesMax: number): void {
    this.#linesMax = linesMax
    this.lines = []
    this.linesLeftOut = 0
  }

  takeLate(name: string): string[] {
    const lines = this.#lateByName.get(name) ?? []
    this.#lateByName.delete(name)
    return lines
  }
}

/** What a run of a script needs. */
export interface ScriptRun {
  readonly session: ShellSession
  readonly output: ScriptOutput
  readonly signal: AbortSignal
  /** Told of each step before it runs (--echo). */
  onStep(step: ScriptStep): void
}

/** Runs the steps. Rejects with `CommandError` at the first that comes otherwise, and with the signal's reason. */
export async function runScript(steps: readonly ScriptStep[], run: ScriptRun): Promise<ScriptRecord[]> {
  const { session, output, signal } = run
  const records: ScriptRecord[] = []
  for (const step of steps) {
    signal.throwIfAborted()
    run.onStep(step)
    output.clear(step.expected.length > 0 ? SHELL_LIMITS.expectedLinesMax : SHELL_LIMITS.jsonLinesMax)
    const outcome = step.command === undefined ? await endLate(step, run) : await session.run(step.command, signal)
    signal.throwIfAborted()
    const { lines, linesLeftOut } = output
    records.push({ line: step.line, text: step.text, outcome, output: lines, linesLeftOut })
    if (step.expected.length > 0 && linesLeftOut > 0)
      throw unexpected(step, `it printed ${linesLeftOut} lines more than can be compared`)
    check(step, outcome, lines)
    if (outcome === 'exit') break
  }
  for (const name of session.lateNames()) await checkLeft(name, run)
  return records
}

/** Waits for the end of a command that had to wait; its late lines become those of the step. */
async function endLate(step: ScriptStep, { session, output }: ScriptRun): Promise<ShellOutcome> {
  const name = step.of ?? ''
  const late = session.late(name)
  if (late === undefined) throw unexpected(step, `nothing of ${name} has had to wait`)
  if (isStillWaiting(session, name)) throw unexpected(step, `${name} still waits`)
  const outcome = await late
  session.forgetLate(name)
  output.lines = output.takeLate(name)
  return outcome
}

/** Whether it stands behind somebody: then it would not end by itself. */
function isStillWaiting(session: ShellSession, name: string): boolean {
  const participant = session.participants.find((candidate) => candidate.name === name)
  return (participant?.transaction.explain().waits.length ?? 0) > 0
}

/** Nothing was said of it: then it must not have failed. */
async function checkLeft(name: string, { session, output }: ScriptRun): Promise<void> {
  if (isStillWaiting(session, name)) return
  const outcome = await session.late(name)
  session.forgetLate(name)
  if (outcome !== 'failed') return
  throw new CommandError(
    `Cannot take the script as right: ${name} had to wait and then failed: ${output.takeLate(name).join(' / ')}`,
  )
}

function check(step: ScriptStep, outcome: ShellOutcome, lines: readonly string[]): void {
  if (step.expected.length > 0) {
    const difference = matchLines(step.expected, lines)
    if (difference !== undefined) throw unexpected(step, difference)
  } else if (outcome === 'failed' || outcome === 'waits') throw unexpected(step, `it printed ${lines[0] ?? 'nothing'}`)
}

function unexpected({ line, text }: ScriptStep, what: string): CommandError {
  return new CommandError(`line ${line} of the script came otherwise than it says (${text}): ${what}`)
}

/** The records as JSON. */
export function recordsToJson(records: readonly ScriptRecord[]): Json {
  return {
    steps: records.map(({ line, text, outcome, output, linesLeftOut }) => ({
      ...{ line, text, outcome, output: output.slice(0, SHELL_LIMITS.jsonLinesMax) },
      linesLeftOut: linesLeftOut + Math.max(0, output.length - SHELL_LIMITS.jsonLinesMax),
    })),
  }
}

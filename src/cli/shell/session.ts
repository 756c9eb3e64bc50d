/**
 * The core of the shell: named transactions of one database, and what each command does to them, in lines of output.
 *
 * It knows no terminal: lines go to an output that the interactive shell prints and a script compares. A command that must
 * wait for another transaction (a queue for a key, the gate, a safe snapshot) says so, and `run` resolves with 'waits'; what
 * it prints when it ends comes as late lines under its transaction's name, and `late(name)` tells when that was.
 *
 *      run --> operations.ts: perform --+--> ends: 'done', 'failed', 'exit'
 *                                       +--> stands behind somebody: 'waits' ... late lines, end
 *
 * Invariants: 1. A participant is in the map from begin until it has said how it ended. 2. At most one command of it runs.
 * What it does not do: parse (parse.ts), decide what a command does (operations.ts).
 * Pinned by test/cli/shell/session.test.ts.
 */
import { DeadlockError, SerializationError, StrictKvError, TransactionClosedError } from '../../index'
import type { Database, Savepoint, Transaction } from '../../index'
import { UsageError } from '../cli-errors'
import { drawCycle } from '../cycle-drawing'
import type { Paint } from '../paint'
import { waitText } from './explanation-lines'
import { perform } from './operations'
import type { ShellCommand } from './parse'
import type { CommandPlace, Participant, Participants, ShellOutcome } from './place'
import { ADDRESS_NONE } from './shell-commands'
import { SHELL_LIMITS } from './shell-limits'

/** Where the lines of a session go; painted, without line ends. */
export interface ShellOutput {
  /** A line of the command that runs. */
  line(text: string): void
  /** A line of a command that had to wait, or went on in the background. */
  late(name: string, text: string): void
  /** Resolves when the lines so far were taken. */
  drained(): Promise<void>
}

/** How a command that had to wait ended. */
export type LateOutcome = 'done' | 'failed'

/** Commands that may be given to a transaction that waits. */
const WHILE_WAITING: ReadonlySet<string> = new Set(['rollback', 'explain', 'use'])
/** Commands that are about the session, not about a transaction. */
const OF_THE_SESSION: ReadonlySet<string> = new Set([
  'begin',
  'use',
  'list',
  'info',
  'stats',
  'help',
  'exit',
  'explain',
])

/** See the file's header. */
export class ShellSession implements Participants {
  readonly #db: Database
  readonly #output: ShellOutput
  readonly #paint: Paint
  readonly #participants = new Map<string, Participant>()
  readonly #late = new Map<string, Promise<LateOutcome>>()
  #current: Participant | undefined

  constructor(db: Database, output: ShellOutput, paint: Paint) {
    this.#db = db
    this.#output = output
    this.#paint = paint
  }

  /** The open transactions, oldest first. */
  get participants(): readonly Participant[] {
    return [...this.#participants.values()]
  }

  /** The transaction that commands without an address go to. */
  get current(): Participant | undefined {
    return this.#current
  }

  set current(participant: Participant | undefined) {
    this.#current = participant
  }

  /** What a command that had to wait comes to; undefined if none of that name has. */
  late(name: string): Promise<LateOutcome> | undefined {
    return this.#late.get(name)
  }

  /** Those whose command has to wait, or had to, and that nobody has looked at. */
  lateNames(): readonly string[] {
    return [...this.#late.keys()]
  }

  forgetLate(name: string): void {
    this.#late.delete(name)
  }

  /** Runs a command. Rejects only with what nobody foresaw. */
  async run(command: ShellCommand, signal: AbortSignal): Promise<ShellOutcome> {
    const name = command.address ?? this.#current?.name ?? ADDRESS_NONE
    let isLate = false
    const say = (text: string): void => {
      if (isLate) this.#output.late(name, text)
      else this.#output.line(text)
    }
    let participant: Participant | undefined
    try {
      participant = this.#participantOf(command)
    } catch (error) {
      return this.#told(error, undefined, say)
    }
    const { waitsIn } = participant ?? {}
    const place: CommandPlace = {
      ...{ session: this, db: this.#db, paint: this.#paint, participant, signal, say },
      drained: () => this.#output.drained(),
    }
    const work = this.#perform(command, place)
    const outcome = await this.#untilItWaits(work, participant, signal)
    if (outcome !== undefined) {
      if (outcome !== 'exit') this.#tellDoomed()
      return outcome
    }
    if (participant !== undefined) participant.waitsIn = waitsIn ?? command.name
    this.#output.line(this.#paint.yellow(participant === undefined ? GOES_ON : waitLine(participant)))
    isLate = true
    this.#late.set(name, this.#endLate(work, participant))
    this.#tellDoomed()
    return 'waits'
  }

  async #endLate(work: Promise<ShellOutcome>, participant: Participant | undefined): Promise<LateOutcome> {
    const outcome = await work
    if (participant !== undefined) participant.waitsIn = undefined
    return outcome === 'failed' ? 'failed' : 'done'
  }

  /** Rolls back what is open, and says so; waits for nothing but what rolling back ends. */
  async end(): Promise<void> {
    const names = [...this.#participants.keys()]
    for (const participant of this.participants) this.#rollBack(participant)
    for (const late of this.#late.values()) await late
    if (names.length > 0) this.#output.line(this.#paint.yellow(`rolled back: ${names.join(', ')}`))
  }

  #rollBack(participant: Participant): void {
    participant.transaction.rollback()
    this.remove(participant)
  }

  add(name: string, transaction: Transaction): Participant {
    const participant: Participant = {
      ...{ name, transaction, savepoints: new Map<string, Savepoint>() },
      ...{ waitsIn: undefined, isDoomTold: false },
    }
    this.#participants.set(name, participant)
    this.#current = participant
    return participant
  }

  /** The transaction has ended, and has said how. */
  remove(participant: Participant): void {
    this.#participants.delete(participant.name)
    if (this.#current === participant) this.#current = undefined
  }

  /** Throws `UsageError` where there is none of that name. */
  find(name: string): Participant {
    const participant = this.#participants.get(name)
    if (participant !== undefined) return participant
    const known = [...this.#participants.keys()].join(', ')
    const advice = known === '' ? 'none is open' : `open are ${known}`
    throw new UsageError(`Cannot find a transaction ${name}: ${advice}; begin ${name} begins one`)
  }

  #participantOf({ address, name }: ShellCommand): Participant | undefined {
    if (OF_THE_SESSION.has(name)) {
      if (address === undefined || name === 'explain') return undefined
      throw new UsageError(`Cannot give ${name} to ${address}: it is about the shell; write it without ${address}:`)
    }
    if (address === ADDRESS_NONE) return undefined
    const participant = address === undefined ? this.#current : this.find(address)
    if (participant?.waitsIn === undefined || WHILE_WAITING.has(name)) return participant
    throw new UsageError(
      `Cannot run ${name}: ${participant.name} is in the middle of ${participant.waitsIn}, which prints when it ends; rollback gives it up`,
    )
  }

  async #perform(command: ShellCommand, place: CommandPlace): Promise<ShellOutcome> {
    try {
      return await perform(command, place)
    } catch (error) {
      const { participant, say } = place
      const isGivenUp = participant !== undefined && this.#participants.get(participant.name) !== participant
      if (!isGivenUp || !(error instanceof TransactionClosedError)) return this.#told(error, participant, say)
      say(this.#paint.dim('given up'))
      return 'done'
    }
  }

  /** Says why a command failed. Rethrows what nobody foresaw. */
  #told(error: unknown, participant: Participant | undefined, say: (text: string) => void): 'failed' {
    const { red } = this.#paint
    const isOver =
      participant !== undefined && !['open', 'committing', 'decided'].includes(participant.transaction.state)
    if (isOver) this.remove(participant)
    if (error instanceof SerializationError) {
      say(red(`aborted: ${error.message}`))
      for (const line of drawCycle(error.report, this.#paint)) say(line)
    } else if (error instanceof DeadlockError) say(red(`aborted: ${error.message}`))
    else if (error instanceof StrictKvError || error instanceof UsageError) say(red(`error: ${error.message}`))
    else throw error
    return 'failed'
  }

  /** Early notice: somebody else's commit has doomed a transaction, which its next command will say with the reason. */
  #tellDoomed(): void {
    for (const participant of this.participants) {
      if (participant.isDoomTold || participant.waitsIn !== undefined) continue
      if (participant.transaction.state !== 'aborted') continue
      participant.isDoomTold = true
      this.#output.line(this.#paint.yellow(`${participant.name} is doomed: its next command says why`))
    }
  }

  /** How `work` ended; undefined once it stands behind another transaction, or does not heed an interruption. */
  async #untilItWaits(
    work: Promise<ShellOutcome>,
    participant: Participant | undefined,
    signal: AbortSignal,
  ): Promise<ShellOutcome | undefined> {
    const ended = { outcome: undefined as ShellOutcome | undefined, error: undefined as { readonly error: unknown } | undefined } // prettier-ignore
    const watched = work.then(
      (outcome) => void (ended.outcome = outcome),
      (error: unknown) => void (ended.error = { error }),
    )
    await pause(0)
    let interruptedMs = 0
    while (ended.outcome === undefined && ended.error === undefined) {
      if ((participant?.transaction.explain().waits.length ?? 0) > 0) return undefined
      if (signal.aborted && interruptedMs > SHELL_LIMITS.interruptMs) return undefined
      await endOrPause(watched, SHELL_LIMITS.waitLookMs)
      if (signal.aborted) interruptedMs += SHELL_LIMITS.waitLookMs
    }
    if (ended.error !== undefined) throw ended.error.error
    return ended.outcome
  }
}

const GOES_ON = 'goes on in the background, and prints when it ends'

/** What a transaction waits for; that it goes on by itself, if it waits for none. */
function waitLine({ name, transaction }: Participant): string {
  const [wait] = transaction.explain().waits
  return wait === undefined ? `${name} ${GOES_ON}` : `waits: ${name} ${waitText(wait)}`
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Resolves when `promise` does, or after a time. */
function endOrPause(promise: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    void promise.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

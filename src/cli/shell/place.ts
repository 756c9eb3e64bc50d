/**
 * What a running command of the shell sees: its transaction, the others, where its lines go.
 *
 * Types alone: session.ts makes them, operations.ts works in them, and neither has to know the other's insides.
 */
import type { Database, Savepoint, Transaction } from '../../index'
import type { Paint } from '../paint'

/** How a command ended, or that it has not: it stands behind another transaction. */
export type ShellOutcome = 'done' | 'failed' | 'exit' | 'waits'

/** A transaction that somebody has named. */
export interface Participant {
  readonly name: string
  readonly transaction: Transaction
  /** In the order in which they were made. */
  readonly savepoints: Map<string, Savepoint>
  /** The command that it waits in, while it does. */
  waitsIn: string | undefined
  /** Whether it was said that it is doomed. */
  isDoomTold: boolean
}

/** The open transactions. */
export interface Participants {
  /** Oldest first. */
  readonly participants: readonly Participant[]
  /** The one that commands without an address go to. */
  current: Participant | undefined
  /** It becomes the current one. */
  add(name: string, transaction: Transaction): Participant
  /** It has ended, and has said how. */
  remove(participant: Participant): void
  /** Throws `UsageError` where there is none of that name. */
  find(name: string): Participant
}

/** See the file's header. */
export interface CommandPlace {
  readonly session: Participants
  readonly db: Database
  readonly paint: Paint
  /** The transaction that the command is for; undefined: it is one of its own. */
  readonly participant: Participant | undefined
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  /** One line of output, painted or not. */
  readonly say: (text: string) => void
  /** Resolves when what was said has been taken. */
  readonly drained: () => Promise<void>
}

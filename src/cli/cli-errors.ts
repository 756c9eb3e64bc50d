/**
 * The errors of the command line itself; those of the store pass through as they are.
 *
 * They are no `StrictKvError`s: no application ever meets them. Pinned by test/cli/main.test.ts.
 */
import type { ExitCode } from './exit-codes'

/** Bad input: the message is one sentence for people, and nothing has been changed. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The work could not be done; the message is one sentence for people. Exit code 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

/** Why the signal of a terminal is aborted. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'

  constructor(
    message: string,
    readonly exitCode: ExitCode,
  ) {
    super(message)
  }
}

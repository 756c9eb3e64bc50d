/**
 * The exit codes of `strictkv`: one table, which the help prints and docs/OPERATIONS.md repeats.
 *
 * A script can tell three things apart: the command was given something wrong and changed nothing (2), it could not begin because
 * somebody else has the database (3), or it met a problem while at work (1).
 * Pinned by test/cli/help.test.ts.
 */

/** Done. */
export const EXIT_DONE = 0
/** The command found or met a problem. */
export const EXIT_PROBLEM = 1
/** Bad input; nothing was changed. */
export const EXIT_BAD_INPUT = 2
/** Another opener holds the database. */
export const EXIT_LOCKED = 3
/** Interrupted by Ctrl-C. */
export const EXIT_INTERRUPTED = 130
/** Whoever read the output has gone. */
export const EXIT_OUTPUT_CLOSED = 141

export type ExitCode =
  | typeof EXIT_DONE
  | typeof EXIT_PROBLEM
  | typeof EXIT_BAD_INPUT
  | typeof EXIT_LOCKED
  | typeof EXIT_INTERRUPTED
  | typeof EXIT_OUTPUT_CLOSED

/** What each code says, for people. */
export const EXIT_CODES: readonly { readonly code: ExitCode; readonly meaning: string }[] = [
  { code: EXIT_DONE, meaning: 'done' },
  {
    code: EXIT_PROBLEM,
    meaning: 'the command found or met a problem: damage, a key that is not there, an operation that failed',
  },
  { code: EXIT_BAD_INPUT, meaning: 'bad input: a wrong argument, option or file; nothing was changed' },
  { code: EXIT_LOCKED, meaning: 'another process has the database open' },
  { code: EXIT_INTERRUPTED, meaning: 'interrupted by Ctrl-C; the database is consistent, as after every crash' },
  { code: EXIT_OUTPUT_CLOSED, meaning: 'whoever read the output stopped reading, as head does in a pipe' },
]

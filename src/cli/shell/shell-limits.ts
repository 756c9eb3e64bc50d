/**
 * Every limit of the shell in one table: name with its unit last, and what it bounds.
 *
 * They are no options of `open`: they bound what the shell keeps for the person in front of it, not what the store keeps.
 * Pinned by test/cli/shell/shell-limits.test.ts.
 */
export const SHELL_LIMITS = {
  /** Lines kept in the history file between runs. */
  historyLinesMax: 1_000,
  /** Size of the history file that is read; of a larger one only the end counts. */
  historyBytesMax: 1024 * 1024,
  /** Length of a line that is kept in the history: a pasted value of a megabyte is no history. */
  historyLineCharsMax: 4_096,
  /** Keys that one completion looks at. */
  completionKeysMax: 64,
  /** Length of a transaction's or a savepoint's name. */
  nameCharsMax: 64,
  /** Size of a script on standard input: it is read whole, so that a mistake in its last line changes nothing. */
  scriptBytesMax: 64 * 1024 * 1024,
  /** Lines of one command's output that a script can compare. */
  expectedLinesMax: 100_000,
  /** Lines of one command's output that --json repeats; the others are counted. */
  jsonLinesMax: 1_000,
  /** Rows that a scan prints before it looks for Ctrl-C and lets the output drain. */
  pageRowsMax: 256,
  /** Characters of a value that a row shows on a terminal; in a script, and for `get`, values are whole. */
  valueCharsShown: 200,
  /** Time after which it is looked again whether a running command waits for somebody. */
  waitLookMs: 20,
  /** Time that an interrupted command has to end by itself; then it goes on in the background. */
  interruptMs: 100,
} as const

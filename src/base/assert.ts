/**
 * Assertions: sentences that are true or the process has a bug; kept on in production.
 *
 * An `InvariantError` stands outside the error family on purpose: no retry loop may swallow it.
 */

/** A broken invariant of StrictKV itself: never retried, never caught by the library. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'

  constructor(sentence: string) {
    super(`Invariant broken: ${sentence}`)
  }
}

/** Throws `InvariantError` unless `condition` holds; `sentence` states what should be true, as in "keys ascend". */
export function assert(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new InvariantError(sentence)
}

/** Returns `value`, which `sentence` says must be there. */
export function present<T>(value: T | undefined, sentence: string): T {
  if (value === undefined) throw new InvariantError(sentence)
  return value
}

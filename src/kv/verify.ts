/**
 * Checks what `db.verify` and `verify` are given; the verification itself is storage's.
 *
 * Pinned by test/unit/open/verify-salvage.test.ts.
 */
import { checkSignal } from './interruption'
import { checkFunction, checkOptions } from './options'

const VERIFY = ['onProgress', 'signal'] as const

/** Throws `InvalidArgumentError` unless these are options of `call`; `more` are names that it takes beside those of `verify`. */
export function checkVerifyOptions(options: unknown, call = 'verify', more: readonly string[] = []): void {
  if (options === undefined) return
  checkOptions(options, [...VERIFY, ...more], call)
  const { onProgress, signal } = options as { onProgress?: unknown; signal?: unknown }
  if (onProgress !== undefined) checkFunction(onProgress, 'onProgress', call)
  checkSignal(signal)
}

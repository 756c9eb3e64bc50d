/**
 * Checks of option objects: unknown names are refused with the nearest known one, values by their kind.
 *
 * A misspelt option that is silently ignored is a setting that somebody believes in; so every call with options comes
 * through here. Pure. Pinned by test/unit/kv/options.test.ts.
 */
import { describe } from '../base/bytes'
import { InvalidArgumentError } from '../base/errors'
import { nearestName } from '../base/nearest-name'

/** The longest pause a timer of the platform can make, in milliseconds. */
export const TIMEOUT_MS_MAX = 2_147_483_647

/**
 * Checks that `given` is an object with no names but `known`; undefined stands for no options.
 * Throws `InvalidArgumentError`, which names the nearest known option; `call` is what the message says was called.
 */
export function checkOptions(given: unknown, known: readonly string[], call: string): void {
  if (given === undefined) return
  if (given === null || typeof given !== 'object' || Array.isArray(given)) {
    throw new InvalidArgumentError(`Cannot use ${describe(given)} as options of ${call}: pass an object or nothing`)
  }
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw unknownOption(name, known, call)
  }
}

/** Checks an optional true or false. */
export function checkBoolean(value: unknown, name: string): void {
  if (value === undefined || typeof value === 'boolean') return
  throw new InvalidArgumentError(`Cannot use ${describe(value)} as ${name}: it must be true or false`)
}

/** Checks an optional word of a list. */
export function checkOneOf(value: unknown, words: readonly string[], name: string): void {
  if (value === undefined || (typeof value === 'string' && words.includes(value))) return
  const list = words.map((word) => `'${word}'`).join(' or ')
  throw new InvalidArgumentError(`Cannot use ${describe(value)} as ${name}: it must be ${list}`)
}

/** Checks an optional integer from `min` to `max`. */
export function checkInteger(value: unknown, min: number, max: number, name: string): void {
  if (value === undefined) return
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return
  throw new InvalidArgumentError(
    `Cannot use ${describe(value)} as ${name}: it must be an integer from ${min} to ${max}`,
  )
}

/** Checks an optional time budget in milliseconds. */
export function checkTimeout(value: unknown): void {
  if (value === undefined || (typeof value === 'number' && value > 0 && value <= TIMEOUT_MS_MAX)) return
  throw new InvalidArgumentError(
    `Cannot use ${describe(value)} as timeoutMs: it must be a number of milliseconds above 0 and at most ${TIMEOUT_MS_MAX}`,
  )
}

/** Checks an optional label, at most `charsMax` characters. */
export function checkLabel(value: unknown, charsMax: number): void {
  if (value === undefined) return
  if (typeof value !== 'string') {
    throw new InvalidArgumentError(`Cannot use ${describe(value)} as label: it must be a string`)
  }
  if (value.length > charsMax) {
    throw new InvalidArgumentError(
      `Cannot use a label of ${value.length} characters: labelCharsMax is ${charsMax}, and a label is a name for people`,
    )
  }
}

/** Checks a function that the caller must pass. */
export function checkFunction(value: unknown, name: string, call: string): void {
  if (typeof value === 'function') return
  throw new InvalidArgumentError(`Cannot use ${describe(value)} as ${name} of ${call}: it must be a function`)
}

function unknownOption(name: string, known: readonly string[], call: string): InvalidArgumentError {
  const nearest = nearestName(name, known)
  const advice = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean "${nearest}"?`
  return new InvalidArgumentError(
    `Cannot use the option ${describe(name)} of ${call}: there is none of that name; ${advice}`,
  )
}

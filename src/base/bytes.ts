/**
 * Keys as the store holds them: flat latin1 strings, one char per byte.
 *
 * JavaScript compares two one-byte strings 3-6 times faster than `Buffer.compare`, hashes them once, and their order by
 * code unit *is* the unsigned order of the bytes. "Flat" matters: a slice or a concatenation keeps its parents alive and is
 * slow to compare, so every key that is kept comes from `latin1` decoding, which builds a fresh sequential string.
 *
 * What it does not do: it never normalises text. A string given by a user stands for its UTF-8 bytes; one with a lone
 * surrogate is refused, since two of them would collide. Pinned by test/unit/base/bytes.test.ts.
 */
import { InvalidArgumentError, LimitExceededError } from './errors'

/** A key: one char (0-255) per byte; `<` is unsigned byte order. Flat wherever it is kept. */
export type Key = string

/** The smallest key of all, the empty one. */
export const KEY_MIN: Key = ''

declare global {
  // Node's own, present on every Buffer, faster than `toString('latin1')` and `write`; the published types leave them out.
  interface Buffer {
    latin1Slice(start?: number, end?: number): string
    latin1Write(text: string, offset?: number, length?: number): number
  }
}

const ASCII_ONLY = /^[\x00-\x7f]*$/

/** The key just after `key` in byte order. */
export function keySuccessor(key: Key): Key {
  return key + '\0'
}

/**
 * Converts what a user passed as a key; `keyBytesMax` in bytes.
 * Throws `InvalidArgumentError` for other types or ill-formed strings, `LimitExceededError` beyond the limit.
 */
export function inputToKey(input: string | Uint8Array, keyBytesMax: number): Key {
  let key: Key
  if (typeof input === 'string') {
    if (input.length > keyBytesMax) throw keyTooLong(input.length, keyBytesMax)
    key = ASCII_ONLY.test(input) ? flatten(input) : utf8ToKey(input)
  } else if (input instanceof Uint8Array) {
    if (input.length > keyBytesMax) throw keyTooLong(input.length, keyBytesMax)
    key = bytesToKey(input)
  } else {
    throw new InvalidArgumentError(`Cannot use ${describe(input)} as a key: a key is a string or a Uint8Array`)
  }
  if (key.length > keyBytesMax) throw keyTooLong(key.length, keyBytesMax)
  return key
}

/**
 * As `inputToKey`, for a lookup that keeps the key nowhere: ASCII text comes back as it is, which saves its copy. It may be a part of
 * a longer string and keep that alive: `flattenKey` makes of it a key that can be kept.
 */
export function inputToLookupKey(input: string | Uint8Array, keyBytesMax: number): Key {
  if (typeof input === 'string' && input.length <= keyBytesMax && ASCII_ONLY.test(input)) return input
  return inputToKey(input, keyBytesMax)
}

/** A key that stands alone in memory, from one that `inputToLookupKey` gave. */
export function flattenKey(key: Key): Key {
  return flatten(key)
}

/**
 * Copies what a user passed as a value into bytes of the store's own; `valueBytesMax` in bytes.
 * Throws `InvalidArgumentError` or `LimitExceededError` as `inputToKey` does.
 */
export function inputToValue(input: string | Uint8Array, valueBytesMax: number): Buffer {
  if (typeof input === 'string') {
    if (input.length > valueBytesMax) throw valueTooLong(input.length, valueBytesMax)
    if (!isWellFormed(input)) {
      throw new InvalidArgumentError('Cannot use a string with a lone surrogate as a value: it has no UTF-8 form')
    }
    const bytes = Buffer.from(input, 'utf8')
    if (bytes.length > valueBytesMax) throw valueTooLong(bytes.length, valueBytesMax)
    return bytes
  }
  if (input instanceof Uint8Array) {
    if (input.length > valueBytesMax) throw valueTooLong(input.length, valueBytesMax)
    return Buffer.from(input)
  }
  throw new InvalidArgumentError(`Cannot use ${describe(input)} as a value: a value is a string or a Uint8Array`)
}

/** The bytes of a key, in a Buffer that the caller owns. */
export function keyToBuffer(key: Key): Buffer {
  return Buffer.from(key, 'latin1')
}

/** A flat key from bytes; the bytes may be reused afterwards. */
export function bytesToKey(bytes: Uint8Array): Key {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.latin1Slice(0, buffer.length)
}

/** A key for people: printable ASCII as it is, everything else as \xNN; long keys are cut. */
export function escapeKey(key: Key, charsMax = 120): string {
  let text = ''
  for (let i = 0; i < key.length && text.length < charsMax; i++) {
    const code = key.charCodeAt(i)
    if (code === 0x5c) text += '\\\\'
    else if (code >= 0x20 && code < 0x7f) text += key.charAt(i)
    else text += `\\x${code.toString(16).padStart(2, '0')}`
  }
  return text.length < charsMax ? `"${text}"` : `"${text.slice(0, charsMax)}..." (${String(key.length)} bytes)`
}

function flatten(text: string): Key {
  // A string built by concatenation or slicing becomes a fresh sequential one by this round trip.
  return text.length <= FLATTEN_BYTES_MAX ? flattenSmall(text) : Buffer.from(text, 'latin1').latin1Slice()
}

const FLATTEN_BYTES_MAX = 4096
const flattenBuffer = Buffer.allocUnsafeSlow(FLATTEN_BYTES_MAX)

function flattenSmall(text: string): Key {
  const length = flattenBuffer.latin1Write(text, 0)
  return flattenBuffer.latin1Slice(0, length)
}

function utf8ToKey(text: string): Key {
  if (!isWellFormed(text)) {
    throw new InvalidArgumentError('Cannot use a string with a lone surrogate as a key: it has no UTF-8 form')
  }
  return Buffer.from(text, 'utf8').latin1Slice()
}

function isWellFormed(text: string): boolean {
  return (text as unknown as { isWellFormed: () => boolean }).isWellFormed()
}

function keyTooLong(bytes: number, keyBytesMax: number): LimitExceededError {
  return new LimitExceededError(
    `Cannot use a key of ${String(bytes)} bytes or more: keyBytesMax is ${String(keyBytesMax)}`,
  )
}

function valueTooLong(bytes: number, valueBytesMax: number): LimitExceededError {
  return new LimitExceededError(
    `Cannot use a value of ${String(bytes)} bytes or more: valueBytesMax is ${String(valueBytesMax)}`,
  )
}

/** A short description of any value, for messages about wrong types. */
export function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') {
    const { constructor } = value as { constructor?: { name?: unknown } }
    const name = constructor?.name
    return typeof name === 'string' && name !== '' ? `an object of type ${name}` : 'an object of no type'
  }
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40))
  const isPlain = typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
  return isPlain ? `${typeof value} ${String(value)}` : typeof value
}

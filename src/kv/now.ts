/**
 * Answers of which some are there and some are still waited for, and the conversions around them.
 */
import { describe, inputToKey } from '../base/bytes'
import type { Key } from '../base/bytes'
import { InvalidArgumentError } from '../base/errors'
import type { Now } from '../mvcc/contract'
import type { BytesInput } from './bytes-type'

/** A promise that rejects with what was caught. */
export function rejection(error: unknown): Promise<never> {
  const reason: Error = error as Error
  return Promise.reject(reason)
}

/** Converts what a user passed as the keys of `getMany`, all before the first is read. */
export function inputToKeys(keys: readonly BytesInput[], keyBytesMax: number): Key[] {
  if (!Array.isArray(keys)) {
    throw new InvalidArgumentError(`Cannot use ${describe(keys)} as keys of getMany: it must be an array of keys`)
  }
  return (keys as readonly BytesInput[]).map((key) => inputToKey(key, keyBytesMax))
}

/**
 * Reads every key and gives the answers in the order of the keys: at once if all are there, else as one promise, which rejects
 * with the error of the first key that failed. The reads run side by side; none is left behind unhandled.
 */
export function readAll<T>(keys: readonly Key[], read: (key: Key) => Now<T>): Now<T[]> {
  const values: T[] = []
  const waiting: { readonly index: number; readonly value: Promise<T> }[] = []
  for (const [index, key] of keys.entries()) {
    const value = read(key)
    if (value instanceof Promise) {
      value.catch(() => undefined)
      waiting.push({ index, value })
    } else {
      values[index] = value
    }
  }
  return waiting.length === 0 ? values : fillIn(values, waiting)
}

async function fillIn<T>(values: T[], waiting: readonly { index: number; value: Promise<T> }[]): Promise<T[]> {
  for (const { index, value } of waiting) values[index] = await value
  return values
}

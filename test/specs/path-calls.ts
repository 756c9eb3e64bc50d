/**
 * Calls of the transaction layer as the drivers of paths make them: what they show as texts, key by key, now or later.
 */
import { MisuseError } from '../../src/base/errors'
import type { Now, StoreCursor, StoreRow, StoreTransaction } from '../../src/mvcc/contract'
import { keyOf, same } from './path-subject'

/** What a read showed, key by key; undefined for nothing. */
export type Rows = readonly (string | undefined)[]

/** Whether a deferrable reader has its snapshot: until then it cannot read at once. */
export function isSafe(transaction: StoreTransaction): boolean {
  try {
    transaction.getSync('~')
    return true
  } catch (error) {
    if (error instanceof MisuseError) return false
    throw error
  }
}

/** Undefined if a commit has been decided in the step that asked for it; otherwise it had to wait for room in memory. */
export function untilDecided(transaction: StoreTransaction): Promise<void> | undefined {
  if (transaction.state !== 'committing') return undefined
  return nextTurn().then(() => untilDecided(transaction))
}

/** Lets everything go on that waits for nothing but its turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

type Value = Buffer | undefined

/** Values as texts. */
export function textsOf(values: Now<Value> | Now<Value[]>): Now<Rows> {
  if (values instanceof Promise) return (values as Promise<Value | Value[]>).then((later) => textsOf(later))
  return Array.isArray(values) ? values.map((value) => value?.toString('latin1')) : [values?.toString('latin1')]
}

/** What a cursor delivers, key by key: undefined where it has no row. */
export function showRange(cursor: StoreCursor, keys: readonly number[]): Now<Rows> {
  const values = new Map<string, string>()
  const visit = (row: StoreRow): void => void values.set(row.key, row.value().toString('latin1'))
  const rows = (): Rows => {
    cursor.close()
    same('rows delivered within the range', [...values.keys()].every((key) => keys.some((one) => keyOf(one) === key)), true) // prettier-ignore
    return keys.map((key) => values.get(keyOf(key)))
  }
  const filled = cursor.nextPage(keys.length + 1, visit)
  return filled instanceof Promise ? filled.then(rows) : rows()
}

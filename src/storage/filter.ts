/** Blocked Bloom filters over hashed keys. (Signatures first; the body follows.) */
import type { Key } from '../base/bytes'

/** A key's hash, two int32; reused by its owner. */
export class KeyHash {
  low = 0
  high = 0
}

/** Hashes `key` into `hash`. DO NOT CHANGE: filters on disk depend on it. */
export function hashKey(_key: Key, _hash: KeyHash): void {
  throw new Error('not built yet')
}

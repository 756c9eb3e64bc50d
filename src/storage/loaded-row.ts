/**
 * A row of a bulk load as the table writer takes it: one object, used again for each row.
 *
 * Pinned by test/unit/storage/bulk-load.test.ts.
 */
import type { Key } from '../base/bytes'
import { LOADED_PLACEHOLDER } from './table/block-format'
import { ENTRY_PUT } from './engine'
import type { Version } from './rows/version-cursor'

const KEY_BYTES_INITIAL = 256
const NO_BYTES = new Uint8Array(0)

/** The row at hand: a put whose sequence is not known yet. */
export class LoadedRow implements Version {
  readonly sequence = LOADED_PLACEHOLDER
  readonly kind = ENTRY_PUT
  readonly valueAt = 0
  key: Key = ''
  keyBytes = Buffer.allocUnsafeSlow(KEY_BYTES_INITIAL)
  keyLength = 0
  valueBytes: Uint8Array = NO_BYTES
  valueLength = 0

  /** The same object, with another row; `value` is not copied. */
  set(key: Key, value: Uint8Array): this {
    if (key.length > this.keyBytes.length) this.keyBytes = Buffer.allocUnsafeSlow(2 * key.length)
    this.keyBytes.latin1Write(key, 0)
    this.key = key
    this.keyLength = key.length
    this.valueBytes = value
    this.valueLength = value.length
    return this
  }
}

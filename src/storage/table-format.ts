/** Byte layout of tables. (Signatures first; the body follows.) */
import type { KeyRange } from '../base/key-range'
import type { Sequence } from '../base/sequence'

/** What a table says about itself. */
export interface TableProperties {
  readonly fileNumber: number
  /** Size of the file. */
  readonly fileBytes: number
  /** Every key and range tombstone lies in here. */
  readonly bounds: KeyRange
  /** Least and greatest sequence of versions and range tombstones. */
  readonly firstSequence: Sequence
  readonly lastSequence: Sequence
  /** Versions, tombstones included, range tombstones not. */
  readonly entries: number
  /** Distinct keys. */
  readonly keys: number
  readonly tombstones: number
  readonly rangeTombstones: number
  /** Keys and values as given, summed over the versions. */
  readonly keyBytes: number
  readonly valueBytes: number
  readonly dataBlocks: number
}

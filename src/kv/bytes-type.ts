/**
 * The types of bytes at the public door: what is accepted, and what is given back.
 *
 * What comes back is a `Buffer` at run time. Its *type* is the `Buffer` of the application where the application has one
 * (it uses @types/node), else a `Uint8Array` with the two methods everybody needs: a blank TypeScript project needs no
 * extra types. Pinned by the blank projects of test/package.
 */

/** Accepted as a key or value: bytes, or a well-formed string, which stands for its UTF-8 bytes. */
export type BytesInput = string | Uint8Array

/** Returned as a key or value: a Buffer that the caller owns. */
export type Bytes = typeof globalThis extends { Buffer: { isBuffer(value: unknown): value is infer NodeBuffer } }
  ? NodeBuffer
  : BytesWithoutNodeTypes

/** What `Bytes` is where no type named Buffer is known; a Buffer at run time all the same. */
export interface BytesWithoutNodeTypes extends Uint8Array {
  /** Decodes the bytes, as UTF-8 unless `encoding` says otherwise ('hex', 'base64', 'latin1', ...). */
  toString(encoding?: string, start?: number, end?: number): string
  equals(other: Uint8Array): boolean
}

/** One row: its key and its value. */
export type Row = [key: Bytes, value: Bytes]

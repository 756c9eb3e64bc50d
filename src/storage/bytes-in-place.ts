/**
 * Copying and comparing stretches of bytes where they lie, without a view or string for either side where that is faster.
 *
 * Measured (Node 20, ns): a view over a known buffer 17, `subarray` 43, `set` 30 and more, a byte in a loop about 2. So short
 * stretches are copied by a loop, long ones through `new Uint8Array(buffer, ...)`.
 */

const LOOP_BYTES_MAX = 40

/** Copies `source[at, at + length)` to `target[targetAt, ...)`. REQUIRES: both stretches exist and do not share memory. */
export function copyInto(target: Uint8Array, targetAt: number, source: Uint8Array, at: number, length: number): void {
  if (length <= LOOP_BYTES_MAX) {
    for (let i = 0; i < length; i++) target[targetAt + i] = source[at + i]!
  } else {
    target.set(new Uint8Array(source.buffer, source.byteOffset + at, length), targetAt)
  }
}

/** A Buffer of the caller's own with `bytes[at, at + length)`; a small one is a part of a shared slab of 8 KiB. */
export function copyBytes(bytes: Uint8Array, at: number, length: number): Buffer {
  const copy = Buffer.allocUnsafe(length)
  copyInto(copy, 0, bytes, at, length)
  return copy
}

/** Orders `a[0, aLength)` and `b[0, bLength)` as unsigned bytes, a prefix first: negative, zero or positive. */
export function compareBytes(a: Uint8Array, aLength: number, b: Uint8Array, bLength: number): number {
  const shared = aLength < bLength ? aLength : bLength
  for (let i = 0; i < shared; i++) {
    const difference = a[i]! - b[i]!
    if (difference !== 0) return difference
  }
  return aLength - bLength
}

/** Whether the two are equal; from the end, where neighbours in key order differ. */
export function equalBytes(a: Uint8Array, aLength: number, b: Uint8Array, bLength: number): boolean {
  if (aLength !== bLength) return false
  for (let i = aLength - 1; i >= 0; i--) {
    if (a[i] !== b[i]) return false
  }
  return true
}

/**
 * The byte layout of the two kinds of data blocks; shared by builder and reader. The seal around them: table-format.ts.
 *
 * Rows (BLOCK_ROWS), columns one after the other, each aligned to its width:
 *
 *     0  u16 count, from 1                          2  u16 length of the prefix that all keys share
 *     4  u64 base sequence, the least               12  u8 bytes of a sequence delta: 0, 4 or 8
 *    13  u8 1 if there is a kind column, else 0     14  u16 zero
 *    16  u32 head[count]       first 4 bytes of each key behind the shared prefix, big-endian value, zero-padded
 *        u32 ends[count]       low half: end of each key's rest in the key area, which begins where the one before ends;
 *                              high half: the same for values (one word, one cache line, all a row needs)
 *        u32 deltaLow[count]   if the delta has 4 or 8 bytes; sequence = base + delta
 *        u32 deltaHigh[count]  if it has 8
 *        u8 kind[count]        if there is a column; without one all entries are puts of distinct keys
 *        shared prefix | keys without it | values
 *
 * Large value (BLOCK_LARGE_VALUE), one entry:
 *
 *     0  u16 1    2  u16 length of the key    4  u64 sequence    12  u8 kind    13  zeros    16  u32 zero (the only head)
 *    20  u32 length of the value    24  key | value
 *
 * A kind is the entry's kind in the low bits (ENTRY_PUT, ENTRY_DELETE) and KIND_OLDER where the entry before it in the table has
 * the same key. Entries stand in internal order: key ascending, sequence descending.
 */

/** Columns begin here. */
export const ROWS_HEADER_BYTES = 16
export const ROWS_HEADER_WORDS = ROWS_HEADER_BYTES / 4
/** The key begins here. */
export const LARGE_HEADER_BYTES = 24

/** Values above this length stand in a block of their own. */
export const LARGE_VALUE_BYTES_MIN = 2048 + 1

/** The bits of a kind that hold the entry's kind. */
export const KIND_MASK = 0x03
/** Set where the entry before has the same key. DO NOT RENUMBER: on disk. */
export const KIND_OLDER = 0x80

/** The sequence on disk of every row that a bulk load wrote: the real one is not known yet (bulk-load.ts). DO NOT RENUMBER. */
export const LOADED_PLACEHOLDER = 1

/** What a u16 end can address: keys of a block together, values of a block together. */
export const AREA_BYTES_MAX = 0xffff
/** What a u16 count can count. */
export const ROWS_MAX = 0xffff

/** Bytes of columns for one row at most (8 bytes of delta, a kind); its key and value come on top. */
export const ROW_COLUMNS_BYTES = 4 + 8 + 2 + 2 + 1

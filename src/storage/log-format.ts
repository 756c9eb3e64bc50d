/**
 * The write-ahead log's bytes: names of segments, their header, the header of a frame.
 */

/** The file name of a segment: '0000000042.log'. */
export function segmentFileName(number: number): string {
  return `${String(number).padStart(10, '0')}.log`
}

/** The number of a segment's file name; undefined for any other name. */
export function fileNameToSegment(name: string): number | undefined {
  return /^\d{10}\.log$/.test(name) ? Number.parseInt(name, 10) : undefined
}

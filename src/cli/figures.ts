/**
 * Figures for people: sizes, counts and times, the same in every command. Pure; no locale decides anything.
 *
 * Pinned by test/cli/figures.test.ts.
 */

const SIZE_UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** As in "1.5 MiB"; below 1,024 exact. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < SIZE_UNITS.length - 1) {
    value /= 1024
    unit++
  }
  if (unit === 0) return bytes === 1 ? '1 byte' : `${bytes} bytes`
  // 1,023.96 KiB would be rounded to 1024.0.
  const rounded = Number(value.toFixed(1))
  return rounded >= 1024 && unit < SIZE_UNITS.length - 1
    ? `1.0 ${SIZE_UNITS[unit + 1]}`
    : `${rounded.toFixed(1)} ${SIZE_UNITS[unit]}`
}

/** As in "1,234,567". */
export function countText(count: number): string {
  const digits = String(Math.round(Math.abs(count)))
  const grouped = digits.replace(/\B(?=(\d{3})+$)/g, ',')
  return count < 0 ? `-${grouped}` : grouped
}

/** As in "3 rows", "1 row". */
export function countOf(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** As in "12 us", "3.4 ms", "5.6 s", "2 min 5 s". */
export function durationText(ms: number): string {
  if (ms < 1) return `${Math.round(ms * 1000)} us`
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

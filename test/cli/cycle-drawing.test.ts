/** The drawing of a cycle, line by line, and the paint on it. */
import { drawCycle } from '../../src/cli/cycle-drawing'
import { createPaint, withoutPaint } from '../../src/cli/paint'
import type { SerializationReport } from '../../src/index'

const PLAIN = createPaint(false)
const alice = { id: 1, label: 'alice', snapshot: 1 }
const bob = { id: 2, snapshot: 1, commit: 2 }
const skew: SerializationReport = {
  victim: alice,
  reason: 'cycle',
  conservative: false,
  cycle: [
    { from: alice, to: bob, kind: 'rw', key: Buffer.from('bob') },
    { from: bob, to: alice, kind: 'rw', range: { start: Buffer.from('a'), end: Buffer.from([0]) } },
  ],
}

describe('the drawing of a cycle', () => {
  test('names each transaction above what has to come after it, and leads back', () => {
    expect(drawCycle(skew, PLAIN)).toEqual([
      '  ╭─▶ alice',
      '  │     │  read "bob" as it was before transaction 2 wrote it: it comes before transaction 2',
      '  │   transaction 2',
      '  │     │  read the range from "a" to "\\x00" as it was before alice wrote it: it comes before alice',
      '  ╰─────╯',
    ])
  })

  test('says why in each kind of edge, and names a lone read and an open range', () => {
    const lone = { id: 0, snapshot: 2 }
    const cycle: SerializationReport['cycle'] = [
      { from: alice, to: bob, kind: 'ww', key: Buffer.from('k') },
      { from: bob, to: lone, kind: 'real-time', sequence: 2 },
      { from: lone, to: alice, kind: 'rw', range: { start: Buffer.from('a') } },
    ]
    expect(drawCycle({ ...skew, cycle }, PLAIN)).toEqual([
      '  ╭─▶ alice',
      '  │     │  wrote "k", which transaction 2 overwrote: it comes before transaction 2',
      '  │   transaction 2',
      '  │     │  had committed when a lone read began: it comes before a lone read',
      '  │   a lone read',
      '  │     │  read the range from "a" to the last key as it was before alice wrote it: it comes before alice',
      '  ╰─────╯',
    ])
  })

  test('does not close what is not known to be closed, and draws nothing where there is no cycle', () => {
    expect(drawCycle({ ...skew, reason: 'summary' }, PLAIN).at(-1)).toBe('  ╰─ ? ─╯')
    expect(drawCycle({ ...skew, reason: 'too-old', cycle: [] }, PLAIN)).toEqual([])
  })

  test('is the same with and without paint, letter for letter', () => {
    const painted = drawCycle(skew, createPaint(true))
    expect(painted.join('\n')).toContain('\x1b[33m')
    expect(painted.map(withoutPaint)).toEqual(drawCycle(skew, PLAIN))
  })

  test('lets no key of an attacker steer the terminal', () => {
    const key = Buffer.from('\x1b[2J\n')
    const [, line] = drawCycle({ ...skew, cycle: [{ from: alice, to: bob, kind: 'rw', key }] }, PLAIN)
    expect(line).toContain('read "\\x1b[2J\\n" as')
  })
})

/** An explanation as lines: every member of it, and long lists cut for the eye. */
import { createPaint } from '../../../src/cli/paint'
import { explanationLines, waitText } from '../../../src/cli/shell/explanation-lines'
import type { TransactionExplanation } from '../../../src/index'

const NOTHING = { first: [], total: 0 }
const key = Buffer.from('k')
const [alice, bob] = [
  { id: 1, label: 'alice', snapshot: 3 },
  { id: 2, snapshot: 3, commit: 4 },
]
const QUIET: TransactionExplanation = {
  ...{ id: 1, label: 'alice', state: 'open', readOnly: false, isolation: 'serializable', safe: false },
  ...{ snapshot: 3, floor: 3, reads: NOTHING, writes: NOTHING, missed: NOTHING, missedBy: NOTHING },
  ...{ holds: NOTHING, waits: [] },
}
const linesOf = (shown: Partial<TransactionExplanation>): string[] =>
  explanationLines({ ...QUIET, ...shown }, createPaint(false))

test.each<[string, Partial<TransactionExplanation>, string]>([
  ['plain', {}, 'alice open, serializable, reads at 3'],
  ['read-only', { readOnly: true }, 'alice open, read-only, reads at 3'],
  ['safe', { readOnly: true, safe: true }, 'alice open, read-only, safe: nothing can abort it, reads at 3'],
  [
    'decided',
    { state: 'decided', commit: 5, low: 2 },
    'alice decided, serializable, reads at 3, committed at 5, low 2',
  ],
  [
    'a raised floor',
    { floor: 4, floorReader: bob },
    'alice open, serializable, reads at 3, floor 4, raised by transaction 2',
  ],
])('the first line says %s', (_, shown, line) => {
  expect(linesOf(shown)[0]).toBe(line)
})

test('each list has its name and its entries', () => {
  const range = { start: key, end: Buffer.from('l') }
  expect(
    linesOf({
      reads: {
        first: [
          { key, merged: false },
          { range, merged: true },
        ],
        total: 2,
      },
      writes: {
        first: [
          { kind: 'put', key },
          { kind: 'delete', key },
          { kind: 'deleteRange', range },
        ],
        total: 3,
      },
      missed: {
        first: [
          { from: alice, to: bob, kind: 'rw', key, merged: false },
          { from: alice, to: bob, kind: 'ww', key, merged: false },
        ],
        total: 2,
      },
      missedBy: { first: [{ from: bob, to: alice, kind: 'ww', key, merged: false }], total: 1 },
      holds: { first: [key], total: 1 },
      commitNow: { outcome: 'accepted' },
    }).slice(1),
  ).toEqual([
    '  read       "k"',
    '             the range from "k" to "l" (merged: wider than what was read)',
    '  wrote      "k"',
    '             "k" (deleted)',
    '             the range from "k" to "l" (all deleted)',
    '  missed     transaction 2, which wrote "k", committed at 4: before it in every serial order',
    '             transaction 2, which overwrote "k", committed at 4: before it in every serial order',
    '  missed by  transaction 2, which wrote "k": once this one commits, it comes before this one',
    '  holds      "k"',
    '  commit now would be accepted',
  ])
})

test('a long list is cut, and the rest counted', () => {
  const first = Array.from({ length: 10 }, () => ({ key, merged: false }))
  expect(linesOf({ reads: { first, total: 2000 } }).slice(-2)).toEqual([
    '             "k"',
    '             and 1,992 more',
  ])
})

test('a refusal is a sentence and a drawing, without one where the log has failed', () => {
  const report = { victim: alice, reason: 'cycle', conservative: false, cycle: [{ from: alice, to: bob, kind: 'rw', key }] } as const // prettier-ignore
  expect(linesOf({ commitNow: { outcome: 'refused', message: 'Cannot.', report } })).toHaveLength(5)
  expect(linesOf({ commitNow: { outcome: 'refused', message: 'Cannot.' } }).slice(1)).toEqual([
    '  commit now would be refused: Cannot.',
  ])
  expect(linesOf({ state: 'aborted', error: new Error('Lost.') }).slice(1)).toEqual(['  doomed     Lost.'])
})

test.each([
  [{ for: 'key', key, behind: { id: 2 } } as const, 'is in the queue for "k" behind transaction 2'],
  [{ for: 'gate', behind: { id: 2, label: 'bob' } } as const, 'stands at the commit gate behind bob'],
  [{ for: 'safe-snapshot' } as const, 'needs a safe snapshot'],
])('%j is said', (wait, text) => {
  expect(waitText(wait)).toBe(text)
})

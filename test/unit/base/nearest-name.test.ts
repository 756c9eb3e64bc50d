/** The name that was probably meant is proposed, and nothing that is far from it. */
import { nearestName } from '../../../src/base/nearest-name'

const KNOWN = ['checkpoint', 'compact', 'dump', 'load']

test.each([
  ['checkpiont', 'checkpoint'],
  ['Compact', 'compact'],
  ['dmup', 'dump'],
  ['loud', 'load'],
])('"%s" is near "%s"', (wrong, right) => {
  expect(nearestName(wrong, KNOWN)).toBe(right)
})

test('what is near nothing gets no proposal, however long it is', () => {
  expect(nearestName('xyzzy', KNOWN)).toBeUndefined()
  expect(nearestName('', KNOWN)).toBeUndefined()
  expect(nearestName('x'.repeat(1_000_000), KNOWN)).toBeUndefined()
})

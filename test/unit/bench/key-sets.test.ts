/** The key sets of bench:learned are what they say: ascending, distinct, the same for the same seed. */
import { createKeySet, KEY_SET_NAMES, KEY_SET_TEXTS } from '../../../bench/support/key-sets'

describe.each(KEY_SET_NAMES)('the key set %s', (name) => {
  test('ascends strictly, in bytes, and is the same for the same seed', () => {
    const [set, again, other] = [createKeySet(name, 5000), createKeySet(name, 5000), createKeySet(name, 5000, 2)]
    let differs = false
    for (let rank = 0; rank < set.count; rank++) {
      const key = set.keyAt(rank)
      if (rank > 0 && !(key > set.keyAt(rank - 1))) expect({ rank, key }).toBe('above the one before')
      if (key !== again.keyAt(rank)) expect({ rank, key }).toBe('the same again')
      if (key !== other.keyAt(rank)) differs = true
      for (let i = 0; i < key.length; i++) if (key.charCodeAt(i) > 0xff) expect(key).toBe('one byte a char')
    }
    // Ascending numbers leave a seed nothing to decide.
    expect(differs).toBe(name !== 'decimal')
    expect(KEY_SET_TEXTS[name]).not.toBe('')
  })
})

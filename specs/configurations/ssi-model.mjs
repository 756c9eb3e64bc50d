// Writes the constants of SSI.tla for a cast of transactions.

const quoted = (names) => `{${names.map((name) => `"${name}"`).join(', ')}}`
const setOfSets = (sets) => `{${sets.map((keys) => `{${keys.join(', ')}}`).join(', ')}}`

/** A read-write transaction; `reads` and `writes` are the sets of keys that one step may ask for. */
export const readWrite = (reads, writes) => ({ role: 'read-write', reads, writes })
export const declared = (reads) => ({ role: 'declared', reads, writes: [] })
export const lone = (reads) => ({ role: 'lone', reads, writes: [] })
export const deferrable = (reads) => ({ role: 'deferrable', reads, writes: [] })
/** A transaction with isolation: 'snapshot'; its reads are not tracked and not modelled. */
export const snapshotIsolated = (writes) => ({ role: 'snapshot', reads: [], writes })

/** All intervals of the keys 1 to `count`: single keys, and ranges. */
export function intervals(count) {
  const sets = []
  for (let from = 1; from <= count; from++) {
    for (let to = from; to <= count; to++) sets.push(Array.from({ length: to - from + 1 }, (_, i) => from + i))
  }
  return sets
}

/**
 * `cast` maps the name of each transaction to what it may do; `alike` are groups of names that may be exchanged for each
 * other: nothing in the specification tells two transactions of equal constants apart, hence the symmetry is sound.
 */
export function createSsi({ name, about, cast, keys, alike = [], features = [], bugs = [], deletes = [], ...rest }) {
  const names = Object.keys(cast)
  const perTransaction = (value) => names.map((member) => `${member} :> ${value(cast[member])}`).join(' @@ ')
  return {
    name,
    module: 'SSI',
    about,
    size: 'small',
    told: ['history'],
    values: names,
    given: { cast, keys, features },
    constants: {
      Transactions: `{${names.join(', ')}}`,
      Keys: `1..${keys}`,
      Role: perTransaction(({ role }) => `"${role}"`),
      MayRead: perTransaction(({ reads }) => setOfSets(reads)),
      MayWrite: perTransaction(({ writes }) => setOfSets(writes)),
      Deletes: `{${deletes.join(', ')}}`,
      Features: quoted(features),
      Bugs: quoted(bugs),
    },
    ...(alike.length === 0
      ? {}
      : { symmetry: alike.map((group) => `Permutations({${group.join(', ')}})`).join(' \\cup ') }),
    ...rest,
  }
}

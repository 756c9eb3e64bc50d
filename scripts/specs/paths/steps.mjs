// The steps of a model by name: every instance of every action, so that each edge of the dumped state graph says which it is.
//
// TLC names an edge after its action, without arguments. So the generated module defines each instance as an action of its own;
// the driver of the tests reads what it has to do from `step`, and dump.mjs adds what the model answers.

/** The instances of a configuration's actions: `formula` for TLA+, `step` for the driver. */
export function instancesOf({ module, given, constants }) {
  return module === 'SSI' ? ssiInstances(given) : mvccInstances(given, constants)
}

const set = (keys) => `{${keys.join(', ')}}`

function ssiInstances({ cast, keys, features }) {
  const writers = Object.values(cast).filter(({ writes }) => writes.length > 0).length
  const publishes = range(writers).map((sequence) => ({
    formula: `Publish /\\ history'.published = ${sequence}`,
    step: { do: 'publish', sequence },
  }))
  const own = Object.entries(cast).flatMap(([by, { role, reads, writes }]) => {
    const instance = (action, name, more = {}) => ({ formula: `${action}(${by})`, step: { do: name, by, ...more } })
    const reading = (action, name) =>
      reads.map((read) => ({ formula: `${action}(${by}, ${set(read)})`, step: { do: name, by, keys: read } }))
    if (role === 'lone') return reading('ReadLone', 'lone')
    if (role === 'deferrable') return [instance('BeginDeferrable', 'defer'), ...reading('ReadSafe', 'read')]
    if (role === 'declared') {
      return [instance('Begin', 'begin'), ...reading('ReadDeclared', 'read'), instance('EndDeclared', 'end')]
    }
    const gets = range(keys).filter((key) => reads.some((read) => read.length === 1 && read[0] === key))
    const isSnapshot = role === 'snapshot'
    return [
      instance('Begin', 'begin'),
      ...(features.includes('gate') ? [instance('BeginUnderGate', 'gate')] : []),
      ...reading('Read', 'read'),
      ...(features.some((one) => one.startsWith('for-update'))
        ? gets.map((key) => ({ formula: `GetForUpdate(${by}, ${key})`, step: { do: 'getForUpdate', by, keys: [key] } }))
        : []),
      ...writes.map((write) => ({ formula: `Write(${by}, ${set(write)})`, step: { do: 'write', by, keys: write } })),
      ...(features.includes('savepoint')
        ? [
            instance('Savepoint', 'savepoint'),
            instance('RollbackToSavepoint', 'undo'),
            instance('ReleaseSavepoint', 'keep'),
          ]
        : []),
      ...(features.includes('rollback') ? [instance('Rollback', 'rollback')] : []),
      instance(isSnapshot ? 'CommitSnapshot' : 'Commit', 'commit'),
      ...(isSnapshot ? [] : [instance('CommitReader', 'commit', { isReader: true })]),
    ]
  })
  return [...publishes, ...own]
}

function mvccInstances({ transactions, keys, values }) {
  const all = range(keys)
  return [
    ...range(transactions.length).map((sequence) => ({
      formula: `Publish /\\ published' = ${sequence}`,
      step: { do: 'publish', sequence },
    })),
    ...all.map((key) => ({ formula: `ReadPublished(${key})`, step: { do: 'lone', keys: [key] } })),
    ...all.map((key) => ({ formula: `Collect(${key})`, step: { do: 'collect', keys: [key] } })),
    ...transactions.flatMap((by) => [
      { formula: `Begin(${by})`, step: { do: 'begin', by } },
      ...all.map((key) => ({ formula: `Read(${by}, ${key})`, step: { do: 'read', by, keys: [key] } })),
      ...all.flatMap((key) =>
        [0, ...values].map((value) => ({
          formula: `Write(${by}, {${key}}, ${value === 0 ? 'Absent' : value})`,
          step: { do: value === 0 ? 'delete' : 'put', by, keys: [key] },
        })),
      ),
      { formula: `Write(${by}, Keys, Absent)`, step: { do: 'deleteRange', by, keys: all } },
      { formula: `OpenCursor(${by})`, step: { do: 'open', by } },
      { formula: `MoveCursor(${by})`, step: { do: 'move', by } },
      { formula: `Commit(${by})`, step: { do: 'commit', by } },
      { formula: `Abort(${by})`, step: { do: 'rollback', by } },
    ]),
  ]
}

function range(count) {
  return Array.from({ length: count }, (_, index) => index + 1)
}

/** What the generated module defines beside the constants: each instance as an action, and a `Next` of them. */
export function definitionsOf(instances) {
  const names = instances.map((_, index) => `Step${index}`)
  return [
    ...instances.map(({ formula }, index) => `${names[index]} == /\\ TRUE\n         /\\ ${formula}`),
    `NextStep == ${names.map((name) => `\\/ ${name}`).join(' ')}`,
    'StepSpec == Init /\\ [][NextStep]_vars',
  ]
}

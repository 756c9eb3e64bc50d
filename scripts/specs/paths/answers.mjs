// What the model answers to a step, read from the states before and after it: added to the step for the tests to compare.
//
//   shown      per key of a read the version, as its writer's sequence; 'own' for an own write (SSI)
//   value      what a read or a cursor showed, 0 for nothing; with `key` for a cursor, 0 at its end (MVCC)
//   snapshot   of whoever is active after the step: what it reads at
//   outcome    'refused', or how a commit ended: its sequence, 0 without writes; of a deferrable reader 'safe' or 'waits'
//   others     whom the step ended, made safe or made to start over: { name: 'aborted' | 'safe' | 'again' }
//   published  if it has moved

/** The step with its answer. */
export function answered(configuration, step, before, after) {
  return configuration.module === 'SSI' ? ssiAnswer(step, before, after) : mvccAnswer(step, before, after)
}

function ssiAnswer(step, before, after) {
  const [was, is] = [before.get('history'), after.get('history')]
  const of = (history, field) => at(history.get(field), step.by)
  const others = othersOf(step.by, was, is)
  const answer = { ...step }
  if (step.by !== undefined && ['active', 'waiting'].includes(of(is, 'status'))) answer.snapshot = of(is, 'snapshot')
  if (['read', 'lone', 'getForUpdate'].includes(step.do)) Object.assign(answer, readAnswer(step, was, is))
  if (step.do === 'write' && of(is, 'status') === 'gone') answer.outcome = 'refused'
  if (step.do === 'commit') answer.outcome = of(is, 'status') === 'gone' ? 'refused' : of(is, 'commit')
  if (step.do === 'defer') answer.outcome = of(is, 'status') === 'active' ? 'safe' : 'waits'
  if (Object.keys(others).length > 0) answer.others = others
  if (is.get('published') !== was.get('published') && step.do !== 'publish') answer.published = is.get('published')
  return answer
}

function readAnswer({ by, keys }, was, is) {
  const status = at(is.get('status'), by)
  const seen = at(is.get('seen'), by)
  // A refused declared reader ends without having been shown the keys.
  const shown = keys.map((key) => (at(was.get('written'), by).includes(key) ? 'own' : at(seen, key)))
  if (status === 'gone' || shown.includes(-1)) return { outcome: 'refused' }
  return { shown }
}

function othersOf(by, was, is) {
  const others = {}
  for (const [name, status] of is.get('status')) {
    const before = at(was.get('status'), name)
    if (name === by || status === before) continue
    others[name] = status === 'gone' ? 'aborted' : status === 'active' ? 'safe' : 'again'
  }
  return others
}

function mvccAnswer(step, before, after) {
  const answer = { ...step }
  const said = after.get('answer')
  if (['read', 'lone'].includes(step.do)) answer.value = said.get('value')
  if (step.do === 'move') Object.assign(answer, { key: said.get('key'), value: said.get('value') })
  const own = step.by === undefined ? undefined : at(after.get('transaction'), step.by)
  if (own?.get('status') === 'active') answer.snapshot = own.get('snapshot')
  if (step.do === 'commit') answer.outcome = own.get('commit')
  return answer
}

/** A function of TLA+ at a place: TLC prints those over 1..n as tuples. */
function at(value, place) {
  return Array.isArray(value) ? value[place - 1] : value.get(String(place))
}

/** Lone reads that must wait in a state: those of an idle lone reader that have no edge. */
export function waitsIn({ module, given }, state, steps) {
  if (module !== 'SSI') return []
  const status = state.get('history').get('status')
  return Object.entries(given.cast).flatMap(([by, { role, reads }]) => {
    if (role !== 'lone' || at(status, by) !== 'idle') return []
    const possible = steps.filter((step) => step.do === 'lone' && step.by === by).map(({ keys }) => keys.join())
    return reads
      .filter((keys) => !possible.includes(keys.join()))
      .map((keys) => ({ do: 'lone', by, keys, outcome: 'waits' }))
  })
}

// Reads the states that TLC prints, and tells a counterexample as a schedule: per step the action and what it changed.
//
// Values of TLA+ become values of JavaScript: sets and tuples arrays, records and functions maps from the text of the key,
// the rest strings and numbers. Which they were is not kept: a schedule needs the text, a generated test knows the types.

/** The states of a counterexample: each with its action and its variables (a map from name to value). */
export function readStates(output) {
  const states = []
  const pieces = output.split(/^State (\d+): <(.*)>$/m)
  for (let i = 1; i + 2 < pieces.length + 1; i += 3) {
    const variables = parseState(pieces[i + 2].split(/\n\n/)[0])
    states.push({ action: pieces[i + 1].replace(/ line \d+.*$/, ''), variables })
  }
  return states
}

/** The variables of one state as TLC prints it (a map from name to value); only those that are `wanted`, if given. */
export function parseState(body, wanted) {
  const variables = new Map()
  for (const part of body.split(/^\/\\ /m)) {
    const found = /^\s*(\w+) = ([\s\S]+)$/.exec(part)
    if (found === null || wanted?.includes(found[1]) === false) continue
    variables.set(found[1], parseValue(found[2]))
  }
  return variables
}

/** One line for each step: number, action, and each change of a `told` variable (of all, if undefined). */
export function tellSchedule(states, told) {
  return states.slice(1).map(({ action, variables }, index) => {
    const before = states[index].variables
    const changes = [...variables].flatMap(([name, value]) => {
      if (told !== undefined && !told.includes(name)) return []
      return changesOf(before.get(name), value, told?.length === 1 ? '' : name)
    })
    return `${String(index + 2).padStart(3)}. ${action.padEnd(20)} ${changes.join(', ')}`.trimEnd()
  })
}

function changesOf(before, after, path) {
  if (before instanceof Map && after instanceof Map) {
    return [...after].flatMap(([key, value]) =>
      changesOf(before.get(key), value, path === '' ? key : `${path}[${key}]`),
    )
  }
  const [from, to] = [before, after].map(show)
  return from === to ? [] : [`${path} = ${to}`]
}

function show(value) {
  if (value instanceof Map) return `[${[...value].map(([key, inner]) => `${key}: ${show(inner)}`).join(', ')}]`
  if (Array.isArray(value)) return `{${value.map(show).join(', ')}}`
  return String(value)
}

/** Parses the text of one value as TLC prints it. */
export function parseValue(text) {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|:>|@@|\|->|<<|>>|-?\d+\.\.-?\d+|-?\d+|\w+|[[\](){},]/g) ?? []
  let at = 0
  const list = (end) => {
    const values = []
    while (tokens[at] !== end) {
      values.push(value())
      if (tokens[at] === ',') at++
    }
    at++
    return values
  }
  const pairs = (arrow, between, end) => {
    const map = new Map()
    while (tokens[at] !== end) {
      const key = show(value())
      if (tokens[at++] !== arrow) throw new Error(`cannot read the value ${text}`)
      map.set(key, value())
      if (tokens[at] === between) at++
    }
    at++
    return map
  }
  const value = () => {
    const token = tokens[at++]
    if (token === undefined) throw new Error(`cannot read the value ${text}`)
    if (token === '{') return list('}')
    if (token === '<<') return list('>>')
    if (token === '[') return pairs('|->', ',', ']')
    if (token === '(') return pairs(':>', '@@', ')')
    if (token.startsWith('"')) return token.slice(1, -1)
    const interval = /^(-?\d+)\.\.(-?\d+)$/.exec(token)
    if (interval !== null) return integersFrom(Number(interval[1]), Number(interval[2]))
    return /^-?\d+$/.test(token) ? Number(token) : token
  }
  return value()
}

function integersFrom(first, last) {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
}

// Turns a configuration (specs/configurations) into what TLC takes: a module that extends the specification, and a .cfg.
//
// A configuration is data:
//   name         unique; also the name of its log
//   module       the specification, for example 'SSI'
//   about        one sentence: what it tries
//   size         'small' (always run) or 'full' (only with --full)
//   values       model values, for example ['A', 'B']
//   constants    for each constant of the specification a TLA+ expression
//   symmetry     a TLA+ expression, a set of permutations; absent where it would not be sound
//   given        of SSI and MVCC: what the constants were written from, for the tests that are made from paths
//   constraint   a TLA+ expression that bounds the states; absent where the specification is finite by itself
//   actionConstraint  the same for steps
//   invariants, properties   what must hold, by name
//   definitions, specification   lines for the generated module, and the specification's name if it is not 'Spec'
//   told         the variables whose changes tell a counterexample as a schedule
//   refutes      of a seeded bug: { invariant (or property), length }, the shortest counterexample in states

/** The name of the module that is generated for a configuration. */
export function moduleNameOf({ name }) {
  return `MC_${name.replaceAll('-', '_')}`
}

/** The texts of the generated module and of its .cfg. */
export function createModel(configuration) {
  const { module, values = [], constants, symmetry, constraint, actionConstraint } = configuration
  const { invariants = [], properties = [], definitions: given = [], specification = 'Spec' } = configuration
  const definitions = Object.entries(constants).map(([constant, expression]) => `Of${constant} == ${expression}`)
  if (symmetry !== undefined) definitions.push(`Symmetry == ${symmetry}`)
  if (constraint !== undefined) definitions.push(`Bound == ${constraint}`)
  if (actionConstraint !== undefined) definitions.push(`StepBound == ${actionConstraint}`)
  const name = moduleNameOf(configuration)
  const text = [
    `---- MODULE ${name} ----`,
    `EXTENDS ${module}`,
    ...(values.length > 0 ? [`CONSTANTS ${values.join(', ')}`] : []),
    ...definitions,
    ...given,
    '====',
    '',
  ]
  const config = [
    `SPECIFICATION ${specification}`,
    'CONSTANTS',
    ...values.map((value) => `  ${value} = ${value}`),
    ...Object.keys(constants).map((constant) => `  ${constant} <- Of${constant}`),
    ...(symmetry === undefined ? [] : ['SYMMETRY Symmetry']),
    ...(constraint === undefined ? [] : ['CONSTRAINT Bound']),
    ...(actionConstraint === undefined ? [] : ['ACTION_CONSTRAINT StepBound']),
    ...invariants.map((invariant) => `INVARIANT ${invariant}`),
    ...properties.map((property) => `PROPERTY ${property}`),
    '',
  ]
  return { name, module: text.join('\n'), config: config.join('\n') }
}

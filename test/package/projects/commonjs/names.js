'use strict'
// Prints each exported error class that does not carry its own name: what `error.name` says is part of the interface.
const kv = require('strictkv')

const wrong = Object.entries(kv)
  .filter(([name, value]) => name.endsWith('Error') && value.name !== name)
  .map(([name, value]) => `${name} is named ${value.name}`)
const errors = Object.keys(kv).filter((name) => name.endsWith('Error'))
console.log(JSON.stringify({ wrong, errors }))

import { createRequire } from 'node:module'

type Ssh2 = typeof import('ssh2')

let loaded: Ssh2 | undefined

/** The library, which has native parts and is loaded by whoever uses it first: most gateways have no SSH. */
export function loadSsh2(): Ssh2 {
  loaded ??= createRequire(import.meta.url)('ssh2') as Ssh2
  return loaded
}

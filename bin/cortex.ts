#!/usr/bin/env node
// What every Node since 14 understands, so that an old one is told which it needs. The rest is in `main.ts`.

/** As `engines` of package.json says. */
const OLDEST = [22, 18] as const

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) void import('./main.ts')
else {
  process.stderr.write(`cortex: Node ${process.versions.node} is too old: install Node ${OLDEST.join('.')} or newer\n`)
  process.exitCode = 1
}

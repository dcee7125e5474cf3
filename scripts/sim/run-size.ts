/** One size, in a process of its own: `run-size.ts real|timed|attack JSON`. Its last line is the figures, or why there are none. */

import { measureAttack } from './attack.ts'
import { measureReal } from './real-market.ts'
import { measureTimed } from './timed-market.ts'

const [kind, text = '{}'] = process.argv.slice(2)
try {
  const measure = { attack: measureAttack, timed: measureTimed, real: measureReal }[kind as 'attack' | 'timed' | 'real']
  const figures = await measure(JSON.parse(text))
  process.stdout.write(`${JSON.stringify(figures)}\n`)
} catch (error) {
  process.stdout.write(`${JSON.stringify({ problem: error instanceof Error ? error.message : String(error) })}\n`)
}
// Not waited for: hundreds of peers that stop one by one.
process.exit(0)

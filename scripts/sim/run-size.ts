/** One size, in a process of its own: `run-size.ts real|timed JSON`. Its last line is the figures, or why there are none. */

import { measureReal } from './real-market.ts'
import { measureTimed } from './timed-market.ts'

const [kind, text = '{}'] = process.argv.slice(2)
try {
  const figures = await (kind === 'timed' ? measureTimed : measureReal)(JSON.parse(text))
  process.stdout.write(`${JSON.stringify(figures)}\n`)
} catch (error) {
  process.stdout.write(`${JSON.stringify({ problem: error instanceof Error ? error.message : String(error) })}\n`)
}
// Not waited for: hundreds of peers that stop one by one.
process.exit(0)

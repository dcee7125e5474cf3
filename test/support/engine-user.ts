/** A process that uses an engine: brings it up, says whether it started it, and lets go of it when its input ends. */
import { once } from 'node:events'
import { ensureEngine } from '../../scripts/engine.ts'

const engine = await ensureEngine(JSON.parse(process.argv[2] ?? '{}'))
process.stdout.write(`${JSON.stringify({ startedByUs: engine.startedByUs })}\n`)
process.stdin.resume()
await once(process.stdin, 'end')
await engine.stop()

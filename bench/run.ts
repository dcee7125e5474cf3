/**
 * `npm run -s bench -- NAME`: runs one benchmark. Each compares two things in one run; its last line is one JSON object
 * with at least `name` and `ratio`.
 */

import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** What a benchmark answers; `ratio` is ours divided by the baseline's. */
export interface BenchResult {
  name: string
  ratio: number
  [figure: string]: unknown
}

/** A benchmark module: `bench/NAME.ts`. */
export interface BenchModule {
  bench(args: string[]): Promise<BenchResult>
}

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -3))

const [name = '', ...args] = process.argv.slice(2)
if (!names.includes(name)) {
  process.stderr.write(`Name one of the benchmarks: ${names.join(', ')}\n`)
  process.exit(1)
}
const { bench } = (await import(join(import.meta.dirname, `${name}.ts`))) as BenchModule
process.stdout.write(`${JSON.stringify(await bench(args))}\n`)

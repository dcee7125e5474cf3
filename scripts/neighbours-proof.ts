/**
 * `node scripts/neighbours-proof.ts --commit HASH` or `--package cortex-node@0.1.0`: an agent of that version, as npm packs
 * it, works with this version's gateway, and this version's agent with a gateway of that one, on a real engine. Jobs run,
 * fail, are extended, cancelled and taken up after a kill; what one of the two does not know comes true or is declined in
 * words. The exit code is 1 where something does not hold. `--commit` builds, in a temporary folder: some minutes.
 */

import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Docker from 'dockerode'
import { ensureEngine } from './engine.ts'
import { ensureBusyboxImage } from './image.ts'
import type { ManagedProcess } from './local-network.ts'
import { installed, NOW, packedCommit, type Version } from './neighbours/former.ts'
import { type Pair, startPair } from './neighbours/pair.ts'
import { PROOFS, REACH_PROOF, WISH_PROOFS } from './neighbours/proofs.ts'

/** Of the program's log, as pino numbers them. */
const ERROR_LEVEL = 50

const { values } = parseArgs({ options: { commit: { type: 'string' }, package: { type: 'string' } } })
if ((values.commit === undefined) === (values.package === undefined)) {
  throw new Error('Give the other version: --commit HASH of this repository, or --package of what npm installs')
}
const folder = await mkdtemp(join(tmpdir(), 'cortex-neighbours-'))
const engine = await ensureEngine()
try {
  const image = await ensureBusyboxImage(new Docker({ socketPath: engine.socketPath }))
  const former = await formerVersion()
  const broken = [
    ...(await together({ gateway: NOW, agent: former }, image)),
    ...(await together({ gateway: former, agent: NOW }, image)),
  ]
  for (const one of broken) process.stderr.write(`does not hold: ${one}\n`)
  process.exitCode = broken.length === 0 ? 0 : 1
} finally {
  await engine.stop()
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
}

async function formerVersion(): Promise<Version> {
  const into = join(folder, 'former')
  await mkdir(into)
  if (values.commit !== undefined) return await packedCommit(values.commit, into)
  return await installed(values.package ?? '', into)
}

/** Answers what does not hold. */
async function together({ gateway, agent }: { gateway: Version; agent: Version }, image: string): Promise<string[]> {
  process.stdout.write(`\ngateway of ${gateway.name}, agent of ${agent.name}\n`)
  const own = await mkdtemp(join(folder, 'pair-'))
  const dockerHost = `unix://${engine.socketPath}`
  const pair = await startPair({ gateway, agent, dockerHost, image, folder: own })
  try {
    const broken: string[] = []
    for (const { what, prove } of [...PROOFS, REACH_PROOF, ...WISH_PROOFS]) {
      const came = await prove(pair).then(
        (found) => `holds: ${what}: ${found}`,
        (error: Error) => {
          broken.push(`gateway of ${gateway.name}, agent of ${agent.name}: ${what}: ${error.message}`)
          return `BROKEN: ${what}`
        },
      )
      process.stdout.write(`  ${came}\n`)
    }
    return [...broken, ...errorsOf(pair)]
  } finally {
    await pair.stop()
  }
}

/** What either says that a version should never say to its neighbour. */
function errorsOf({ gateway, agent }: Pair): string[] {
  const said = ({ name, output }: ManagedProcess) =>
    output()
      .split('\n')
      .filter((line) => Number(/^\{"level":(\d+),/.exec(line)?.[1] ?? 0) >= ERROR_LEVEL)
      .map((line) => `${name} said ${line}`)
  return [...said(gateway), ...said(agent)]
}

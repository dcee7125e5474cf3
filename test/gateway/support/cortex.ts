import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { after, before } from 'node:test'
import { PROGRAM } from '../../../scripts/testing/programs.ts'
import { type ServedGateway, serveTestGateway } from './served-gateway.ts'
import { ADMIN_KEY } from './test-gateway.ts'

export interface Ran {
  code: number | null
  out: string
  err: string
}

export interface RunOptions {
  env?: Record<string, string>
  input?: string
  /** How `out` says the bytes. @default 'utf8' */
  encoding?: BufferEncoding
}

export interface Cortex {
  /** An empty folder: its home, its configuration and its data are in it. */
  folder: string
  /** Runs the program to its end, with no more of this process's variables than it needs. */
  run(args: string[], options?: RunOptions): Promise<Ran>
  close(): Promise<void>
}

/** The program, as somebody with a new account runs it. @param program its path. @default as tests start it, {@link PROGRAM} */
export async function openCortex(variables: Record<string, string> = {}, program = PROGRAM): Promise<Cortex> {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-commands-'))
  const home = {
    ...{ HOME: folder, XDG_CONFIG_HOME: join(folder, 'config') },
    ...{ XDG_DATA_HOME: join(folder, 'data'), XDG_CACHE_HOME: join(folder, 'cache') },
  }
  const { PATH, NODE_COMPILE_CACHE } = process.env
  return {
    folder,
    async run(args, { env = {}, input = '', encoding = 'utf8' } = {}) {
      const child = spawn(process.execPath, [program, ...args], {
        cwd: folder,
        env: { PATH, NODE_COMPILE_CACHE, ...home, ...variables, ...env },
        stdio: ['pipe', 'pipe', 'pipe'],
      })
      const ended = Promise.withResolvers<number | null>()
      child.on('error', ended.reject)
      child.on('close', ended.resolve)
      child.stdin.on('error', () => {}) // it may end without having read
      child.stdin.end(input)
      const [out, err, code] = await Promise.all([buffer(child.stdout), text(child.stderr), ended.promise])
      return { code, out: out.toString(encoding), err }
    },
    close: async () => await rm(folder, { recursive: true, force: true }),
  }
}

/** The program before a gateway of its own. */
export interface CortexAtGateway {
  readonly gateway: ServedGateway
  readonly cortex: Cortex
  /** Runs a command that has to succeed; answers its output without the last newline. */
  ok(...args: string[]): Promise<string>
}

/**
 * For all tests of the `describe` that calls it: a gateway, and the program that uses it as the admin.
 * @param how whether it knows the gateway by its environment, or was logged in
 */
export function cortexAtGateway(how: 'by environment' | 'by login'): CortexAtGateway {
  let gateway: ServedGateway
  let cortex: Cortex
  before(async () => {
    gateway = await serveTestGateway()
    if (how === 'by environment') {
      cortex = await openCortex({ CORTEX_GATEWAY: gateway.url, CORTEX_KEY: ADMIN_KEY })
      return
    }
    cortex = await openCortex()
    const { code, err } = await cortex.run(['login', '--gateway', gateway.url], { input: `${ADMIN_KEY}\n` })
    assert.equal(code, 0, err)
  })
  after(async () => {
    await cortex?.close()
    await gateway?.close()
  })
  return {
    get gateway() {
      return gateway
    },
    get cortex() {
      return cortex
    },
    async ok(...args) {
      const { code, out, err } = await cortex.run(args)
      assert.equal(code, 0, `cortex ${args.join(' ')}: ${err}`)
      return out.replace(/\n$/, '')
    },
  }
}

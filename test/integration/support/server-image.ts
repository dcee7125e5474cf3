import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type Docker from 'dockerode'
import { pack as packTar } from 'tar-stream'
import { importRoot, isPresent } from '../../../scripts/image.ts'

const SCRIPT = fileURLToPath(import.meta.resolve('./node-server.mjs'))
const WS = dirname(fileURLToPath(import.meta.resolve('ws/package.json')))

/** What a job runs in the image of {@link ensureServerImage}; it says `up` once it listens. */
export const SERVER_COMMAND = ['/node', '/server/server.mjs']

/** Ports of the server: a TCP echo, a UDP echo, and HTTP with WebSockets. */
export const SERVER_PORTS = [{ port: 7000 }, { port: 7001, protocol: 'UDP' as const }, { port: 8080 }]

/**
 * Makes an image of this process's own Node, the libraries that it needs, `ws` and `node-server.mjs`: no registry, and
 * nothing but a server is in it. Named by its content, made once for each engine.
 */
export async function ensureServerImage(docker: Docker): Promise<string> {
  const script = await readFile(SCRIPT)
  const digest = createHash('sha256').update(script).update(process.version).digest('hex').slice(0, 12)
  const image = `cortex/node-server:${digest}`
  if (await isPresent(docker, image)) return image
  const root = packTar()
  const add = async (name: string, path: string, mode = 0o644) => root.entry({ name, mode }, await readFile(path))
  const filling = (async () => {
    for (const path of await librariesOf(process.execPath)) await add(path.slice(1), path, 0o755)
    await add('node', process.execPath, 0o755)
    root.entry({ name: 'server/server.mjs' }, script)
    for (const name of ['package.json', 'index.js', 'wrapper.mjs']) await add(`node_modules/ws/${name}`, join(WS, name))
    for (const name of await readdir(join(WS, 'lib'))) await add(`node_modules/ws/lib/${name}`, join(WS, 'lib', name))
    root.finalize()
  })()
  await Promise.all([importRoot(docker, image, Readable.from(root)), filling])
  return image
}

/** The shared libraries and the dynamic linker of a program. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ldd', [program])
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path)
}

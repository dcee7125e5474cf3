import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import type Docker from 'dockerode'
import { pack } from 'tar-stream'
import { importRoot, isPresent } from './image.ts'

/** Node and the libraries that it needs, and nothing else. */
export const nodeImage = 'cortex/node:1'

/** Makes {@link nodeImage} present on an engine, of the Node that runs this; needs `ldd`. */
export async function ensureNodeImage(docker: Docker): Promise<string> {
  if (await isPresent(docker, nodeImage)) return nodeImage
  const { stdout } = await promisify(execFile)('ldd', [process.execPath])
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].flatMap(([, path]) => path ?? [])
  const root = pack()
  for (const name of ['tmp', 'usr', 'usr/bin']) root.entry({ name, type: 'directory', mode: 0o1777 })
  root.entry({ name: 'usr/bin/node', mode: 0o755 }, await readFile(process.execPath))
  for (const path of libraries) root.entry({ name: path.slice(1), mode: 0o755 }, await readFile(path))
  root.finalize()
  await importRoot(docker, nodeImage, Readable.from(root))
  return nodeImage
}

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import type Docker from 'dockerode'
import { type Pack, pack as packTar } from 'tar-stream'
import { canInstall, findProgram, installPackages, type Report } from './apt.ts'

/** The image that the demo and the tests run: busybox and nothing else, so that they need no registry. */
export const busyboxImage = 'cortex/busybox:1'

/**
 * Makes {@link busyboxImage} present on an engine: from the machine's own static busybox, installed with apt-get where
 * that is possible, or else from a registry. Returns at once when the image is there.
 *
 * @throws Error of one line that says what to install.
 */
export async function ensureBusyboxImage(docker: Docker, report: Report = toStderr): Promise<string> {
  if (await isPresent(docker, busyboxImage)) return busyboxImage
  report(`making the image ${busyboxImage}`)
  const busybox = await staticBusybox(report)
  if (busybox === null) await pullInstead(docker, report)
  else await importImage(docker, busybox)
  return busyboxImage
}

/** Whether an engine has an image. */
export async function isPresent(docker: Docker, image: string): Promise<boolean> {
  try {
    await docker.getImage(image).inspect()
    return true
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false
    throw error
  }
}

/** A busybox that needs no shared libraries, or null. */
async function staticBusybox(report: Report): Promise<string | null> {
  const there = await findStatic()
  if (there !== null || !(await canInstall())) return there
  await installPackages(['busybox-static'], report)
  return findStatic()
}

async function findStatic(): Promise<string | null> {
  const path = await findProgram('busybox')
  return path !== null && isStatic(await readFile(path)) ? path : null
}

/** Whether a 64-bit little-endian ELF file names no program interpreter, that is no dynamic linker. */
function isStatic(elf: Buffer): boolean {
  const interpreter = 3
  if (elf.length < 64 || elf.readUInt32BE(0) !== 0x7f454c46 || elf[4] !== 2 || elf[5] !== 1) return false
  const offset = Number(elf.readBigUInt64LE(0x20))
  const size = elf.readUInt16LE(0x36)
  const count = elf.readUInt16LE(0x38)
  for (let i = 0; i < count; i++) if (elf.readUInt32LE(offset + i * size) === interpreter) return false
  return true
}

async function importImage(docker: Docker, busyboxPath: string): Promise<void> {
  const { stdout } = await promisify(execFile)(busyboxPath, ['--list'])
  const applets = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')
  const root = packRoot(await readFile(busyboxPath), applets)
  await importRoot(docker, busyboxImage, Readable.from(root))
}

/** Makes an image of a tar of its root folder. */
export async function importRoot(docker: Docker, image: string, root: Readable): Promise<void> {
  const [repo, tag] = image.split(':') as [string, string]
  const output = await docker.importImage(root, {
    repo,
    tag,
    changes: ['CMD ["/bin/sh"]', 'ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'],
  })
  await finish(docker, output)
}

/** The image's root folder as a tar. */
function packRoot(busybox: Buffer, applets: string[]): Pack {
  const root = packTar()
  const entry = (name: string, mode: number) => ({ name, mode, uid: 0, gid: 0, mtime: new Date(0) })
  for (const name of ['bin', 'etc', 'root', 'usr', 'usr/bin', 'var']) {
    root.entry({ ...entry(name, 0o755), type: 'directory' })
  }
  root.entry({ ...entry('tmp', 0o1777), type: 'directory' })
  root.entry(entry('etc/passwd', 0o644), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n')
  root.entry(entry('etc/group', 0o644), 'root:x:0:\nnogroup:x:65534:\n')
  root.entry(entry('bin/busybox', 0o755), busybox)
  for (const applet of applets) {
    root.entry({ ...entry(`bin/${applet}`, 0o777), type: 'symlink', linkname: 'busybox' })
  }
  root.entry({ ...entry('usr/bin/env', 0o777), type: 'symlink', linkname: '/bin/busybox' })
  root.finalize()
  return root
}

async function pullInstead(docker: Docker, report: Report): Promise<void> {
  report('no static busybox here: pulling the image busybox')
  try {
    await finish(docker, await docker.pull('busybox:latest'))
  } catch (cause) {
    throw new Error('no image to run: install busybox-static (`sudo apt-get install busybox-static`)', { cause })
  }
  const [repo, tag] = busyboxImage.split(':') as [string, string]
  await docker.getImage('busybox:latest').tag({ repo, tag })
}

/** Waits for the end of an image operation, and rejects if its progress says that it failed. */
function finish(docker: Docker, output: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    docker.modem.followProgress(output, (error: Error | null, events: { error?: string }[]) => {
      const failed = events.find((event) => event.error !== undefined)
      if (error) reject(error)
      else if (failed) reject(new Error(failed.error))
      else resolve()
    })
  })
}

function toStderr(line: string): void {
  process.stderr.write(`${line}\n`)
}

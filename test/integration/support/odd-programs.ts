/** An image of busybox and of programs that cannot be executed, each for another reason. */

import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type Docker from 'dockerode'
import { extract, type Header, pack as packTar } from 'tar-stream'

/** ELF's number of a processor that this machine is not. */
const FOREIGN_MACHINE = process.arch === 'arm64' ? 62 : 183

/** The head of a binary for another processor; the kernel reads no further. */
function foreignBinary(): Buffer {
  const file = Buffer.alloc(4_096)
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  file.writeUInt16LE(2, 16)
  file.writeUInt16LE(FOREIGN_MACHINE, 18)
  file.writeUInt32LE(1, 20)
  return file
}

const FILES: [Partial<Header> & { name: string }, (string | Buffer)?][] = [
  [{ name: 'crlf.sh', mode: 0o755 }, '#!/bin/sh\r\necho hi\r\n'],
  [{ name: 'bin/crlf-in-path', mode: 0o755 }, '#!/bin/sh\r\necho hi\r\n'],
  [{ name: 'no-python.py', mode: 0o755 }, '#!/usr/bin/python3\nprint("hi")\n'],
  [{ name: 'plain.sh', mode: 0o644 }, '#!/bin/sh\necho hi\n'],
  [{ name: 'folder', mode: 0o755, type: 'directory' }],
  [{ name: 'foreign', mode: 0o755 }, foreignBinary()],
  [{ name: 'link-to-foreign', mode: 0o777, type: 'symlink', linkname: '/foreign' }],
  [{ name: 'link-to-nothing', mode: 0o777, type: 'symlink', linkname: '/nowhere' }],
]

/** Imports the image, without a command of its own. @returns its id, which `remove` takes away again */
export async function importOddPrograms(
  docker: Docker,
  busybox: string,
): Promise<{ image: string; remove(): Promise<void> }> {
  const container = await docker.createContainer({ Image: busybox, Cmd: ['true'] })
  const repo = `cortex/odd-programs-${process.pid}`
  try {
    const tar = packTar()
    for (const [header, content] of FILES) tar.entry(header, content ?? '')
    // The rest comes as it is there.
    const original = extract()
    ;(await container.export()).pipe(original)
    for await (const entry of original) {
      const body = await buffer(entry)
      tar.entry(entry.header, body)
    }
    tar.finalize()
    const answer = await docker.importImage(Readable.from([await buffer(tar)]), { repo, tag: '1' })
    await buffer(answer as unknown as Readable)
  } finally {
    await container.remove({ force: true })
  }
  const image = `${repo}:1`
  return { image, remove: async () => void (await docker.getImage(image).remove({ force: true })) }
}

import { chmod, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'

/** A way for `sftp -D` and `scp -D` to a server in this process, without SSH in between. */
export interface Relay {
  /** The program that they start in place of a server. */
  program: string
  close(): void
}

/** @param folder where its socket and its program are put @param serve called with each session */
export async function openRelay(folder: string, serve: (stream: Duplex) => void): Promise<Relay> {
  const server = createServer({ allowHalfOpen: true }, serve)
  const socket = join(folder, 'socket')
  await new Promise<void>((done) => server.listen(socket, done))
  const script = [
    "import { connect } from 'node:net'",
    `const socket = connect(${JSON.stringify(socket)})`,
    'process.stdin.pipe(socket).pipe(process.stdout)',
  ]
  const program = join(folder, 'relay')
  await writeFile(`${program}.mjs`, script.join('\n'))
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${program}.mjs'\n`)
  await chmod(program, 0o755)
  return { program, close: () => void server.close() }
}

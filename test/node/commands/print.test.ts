import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { it } from 'node:test'

const PRINT = join(import.meta.dirname, '../../../node/commands/print.ts')
const PIECES = 40
const PIECE_BYTES = 65_536

it('writes many pieces at once to a reader that has no time yet, without a word of its own', async () => {
  const script = `
    const { writeRaw } = await import(${JSON.stringify(PRINT)})
    const written = Array.from({ length: ${PIECES} }, (_, i) => writeRaw('stdout', Buffer.alloc(${PIECE_BYTES}, i)))
    process.stderr.write('all are on their way\\n')
    await Promise.all(written)
    await writeRaw('stdout', 'end')
  `
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit')
  const said = text(child.stderr)
  // Not read before all of it has been written, as far as the program knows.
  await once(child.stderr, 'data')
  const [bytes, words, [code]] = await Promise.all([buffer(child.stdout), said, ended])
  assert.deepEqual([words, code], ['all are on their way\n', 0])
  assert.equal(bytes.length, PIECES * PIECE_BYTES + 'end'.length)
  for (let i = 0; i < PIECES; i += 1) assert.equal(bytes[i * PIECE_BYTES], i)
})

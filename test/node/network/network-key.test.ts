import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createNetworkKey, loadNetworkKey } from '../../../node/network/network-key.ts'

async function newPath(test: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-network-key-'))
  test.after(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'market.key')
}

describe('the key of a private network', () => {
  it('is made new each time, for its owner alone, and over no other', async (test) => {
    const [path, other] = [await newPath(test), await newPath(test)]
    await createNetworkKey(path)
    await createNetworkKey(other)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    const text = await readFile(path, 'utf8')
    assert.match(text, /^\/key\/swarm\/psk\/1\.0\.0\/\n\/base16\/\n[0-9a-f]{64}\n$/)
    assert.notEqual(text, await readFile(other, 'utf8'))
    assert.equal(Buffer.from(await loadNetworkKey(path)).toString(), text.trimEnd())
    await assert.rejects(createNetworkKey(path), { code: 'NETWORK_KEY_EXISTS' })
    assert.equal(await readFile(path, 'utf8'), text)
  })

  const lines = ['/key/swarm/psk/1.0.0/', '/base16/', 'ab'.repeat(32)]
  const files: [what: string, text: string, code: string | null][] = [
    ['written by another program', lines.join('\n'), null],
    ['with the line ends of Windows', `${lines.join('\r\n')}\r\n`, null],
    ['empty', '', 'NETWORK_KEY_CORRUPT'],
    ['cut off', lines.join('\n').slice(0, -1), 'NETWORK_KEY_CORRUPT'],
    ['of no hex digits', lines.join('\n').replace('ab', 'xy'), 'NETWORK_KEY_CORRUPT'],
    ['without its first lines', 'ab'.repeat(32), 'NETWORK_KEY_CORRUPT'],
    ['longer than a key', `${lines.join('\n')}\n${'x'.repeat(300)}`, 'NETWORK_KEY_CORRUPT'],
  ]
  for (const [what, text, code] of files) {
    it(`is ${code === null ? 'taken' : 'refused'} from a file ${what}`, async (test) => {
      const path = await newPath(test)
      await writeFile(path, text, { mode: 0o600 })
      if (code === null) assert.equal((await loadNetworkKey(path)).length, text.trimEnd().length)
      else await assert.rejects(loadNetworkKey(path), { code })
    })
  }

  it('is refused where others can read it, or where there is none, with what to do', async (test) => {
    const path = await newPath(test)
    await assert.rejects(loadNetworkKey(path), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'NETWORK_KEY_MISSING')
      assert.ok(error.message.includes(`cortex network-key ${path}`))
      return true
    })
    await createNetworkKey(path)
    await chmod(path, 0o640)
    await assert.rejects(loadNetworkKey(path), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'NETWORK_KEY_TOO_OPEN')
      assert.ok(error.message.includes(`chmod 600 ${path}`))
      return true
    })
  })
})

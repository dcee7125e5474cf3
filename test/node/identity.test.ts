import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { loadIdentity } from '../../node/identity.ts'
import { isPeerId } from '../../protocol/ids.ts'

async function newFolder(test: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-identity-'))
  test.after(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'data', 'node')
}

describe('the identity of a peer', () => {
  it('is made once, for its owner alone', async (test) => {
    const folder = await newFolder(test)
    const first = await loadIdentity(folder)
    assert.ok(isPeerId(peerIdFromPrivateKey(first).toString()))
    assert.equal((await stat(folder)).mode & 0o777, 0o700)
    assert.equal((await stat(join(folder, 'identity.key'))).mode & 0o777, 0o600)
    const again = await loadIdentity(folder)
    assert.ok(again.equals(first))
    assert.deepEqual(await readdir(folder), ['identity.key'])
  })

  it('is the same for all who start at once', async (test) => {
    const folder = await newFolder(test)
    const all = await Promise.all(Array.from({ length: 8 }, () => loadIdentity(folder)))
    assert.equal(new Set(all.map((key) => peerIdFromPrivateKey(key).toString())).size, 1)
    assert.deepEqual(await readdir(folder), ['identity.key'])
  })

  for (const mode of [0o640, 0o604, 0o644, 0o666]) {
    it(`is refused where others can read it: ${mode.toString(8)}`, async (test) => {
      const folder = await newFolder(test)
      await loadIdentity(folder)
      const path = join(folder, 'identity.key')
      await chmod(path, mode)
      await assert.rejects(loadIdentity(folder), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'IDENTITY_TOO_OPEN')
        assert.ok(error.message.includes(`chmod 600 ${path}`), error.message)
        return true
      })
    })
  }

  const firstLine = 'cortex-node ed25519 private key, version 1'
  const broken: [string, () => Promise<string> | string][] = [
    ['empty', () => ''],
    ['cut off', () => `${firstLine}\nCAESQ`],
    ['without a first line', () => 'CAESQA=='],
    ['longer than a key', () => `${firstLine}\n${'A'.repeat(2_000)}\n`],
    ['of another kind of key', async () => `${firstLine}\n${await secp256k1Key()}\n`],
  ]
  for (const [what, content] of broken) {
    it(`is refused and left alone where the file is ${what}`, async (test) => {
      const folder = await newFolder(test)
      await loadIdentity(folder)
      const path = join(folder, 'identity.key')
      const text = await content()
      await writeFile(path, text)
      await assert.rejects(loadIdentity(folder), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'IDENTITY_CORRUPT')
        assert.ok(error.message.includes(path), error.message)
        return true
      })
      assert.equal(await readFile(path, 'utf8'), text)
    })
  }
})

async function secp256k1Key(): Promise<string> {
  return Buffer.from(privateKeyToProtobuf(await generateKeyPair('secp256k1'))).toString('base64')
}

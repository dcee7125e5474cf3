import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { startCortex } from '../../integration/support/program.ts'

describe('entry 32: what docs/monitoring.md says', () => {
  it('holds: its command line, its host name, its token', async () => {
    const text = await readFile(join(import.meta.dirname, '../../../docs/monitoring.md'), 'utf8')
    const [, line = ''] = /^cortex (gateway .*--metrics-token.*)$/m.exec(text) ?? []
    const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(text) ?? []
    const [scrape] = parse(yaml).scrape_configs
    const [target = ''] = scrape.static_configs[0].targets
    assert.match(target, /:13000$/)
    const folder = await mkdtemp(join(tmpdir(), 'cortex-scrape-'))
    // As it is written, but on loopback and any free port.
    const args = line.replace('--host 0.0.0.0', '--host 127.0.0.1 --port 0').split(' ')
    const more = ['--data', folder, '--listen', '/ip4/127.0.0.1/tcp/0', '--no-mdns', '--log-level', 'silent']
    const program = startCortex([...args, ...more])
    try {
      const [, url = ''] = await program.says(/gateway +(http:\S+)/)
      const scraped = async (host: string, token: string) => {
        const headers = { Host: host, ...(token === '' ? {} : { Authorization: `Bearer ${token}` }) }
        const sent = request(`${url}/metrics`, { headers }).end()
        const [response] = await once(sent, 'response')
        response.resume()
        return response.statusCode
      }
      const { credentials } = scrape.authorization
      assert.equal(await scraped(target, credentials), 200)
      assert.equal(await scraped(target, `${credentials}x`), 401)
      assert.equal(await scraped(target, ''), 401)
      assert.equal(await scraped('other.example:13000', credentials), 403)
    } finally {
      program.child.kill('SIGTERM')
      await program.ended
      await rm(folder, { recursive: true, force: true })
    }
  })
})

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { extract } from 'tar-stream'
import { CortexClient } from '../../gateway/client/index.ts'
import { type Forwarding, forwardPorts } from '../../gateway/commands/forward-job.ts'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import { canInstall, findProgram, installPackages } from '../../scripts/apt.ts'
import { ensureDebianImage } from '../../scripts/debian-image.ts'
import { closeAll } from '../support/close-all.ts'
import { until } from '../support/until.ts'
import { openApi } from './support/api.ts'
import { openMarket, type TestMarket } from './support/market.ts'

const run = promisify(execFile)
const report = (line: string): void => void process.stderr.write(`${line}\n`)

/** On a volume; what is there already is gone on with. */
const POSTGRES = `
[ -e /data/main ] || cp -a /var/lib/postgresql/*/main /data/main
cd /etc/postgresql/*/main && echo 'host all all all trust' >> pg_hba.conf
exec su postgres -c "exec $(echo /usr/lib/postgresql/*/bin/postgres) -c data_directory=/data/main \
 -c config_file=$PWD/postgresql.conf -c listen_addresses='*' -c ssl=off"`

/** Servers as Debian packages them, under the default isolation, used by their own clients. */
describe('real images', () => {
  let market: TestMarket
  let client: CortexClient
  let image: string | null
  const forwardings: Forwarding[] = []
  before(async () => {
    market = await openMarket()
    image = await ensureDebianImage(market.docker, report)
    for (const [program, name] of [
      ['psql', 'postgresql-client'],
      ['wrk', 'wrk'],
    ] as const) {
      if ((await findProgram(program)) === null && (await canInstall())) await installPackages([name], report)
    }
    await market.addSeller()
    const api = await openApi(market)
    client = new CortexClient({ baseUrl: api.url, apiKey: api.key })
  })
  after(async () => {
    await closeAll(
      async () => await Promise.all(forwardings.map(async (forwarding) => await forwarding.close())),
      async () => await market?.close(),
    )
  })

  /** Runs a server, and answers the local port that leads to it once it listens. */
  async function serve(port: number, script: string, changes: Partial<JobSubmission> = {}): Promise<number> {
    const id = await submitServer(port, script, changes)
    const forwarding = await reach(id, port)
    forwardings.push(forwarding)
    return localPortOf(forwarding)
  }

  async function submitServer(port: number, script: string, changes: Partial<JobSubmission>): Promise<string> {
    const job = market.job(script, { network: 'bridge', ports: [{ port }], memory: '192Mi', cpu: 200, ...changes })
    return (await market.submit({ ...job, image: image ?? '' })).id
  }

  /** A way to a running job's port, once it listens. */
  async function reach(id: string, port: number): Promise<Forwarding> {
    await market.when(id, ({ state }) => state.status === 'running')
    const signal = new AbortController().signal
    await until(async () => {
      const reached = await market.node.reach.tunnel(id, { port, protocol: 'TCP' }, signal).catch(() => null)
      reached?.abort(new Error('it listens'))
      return reached !== null
    })
    const rule = { host: '127.0.0.1', localPort: 0, port, protocol: 'TCP' as const }
    return await forwardPorts(client, id, [rule])
  }

  const localPortOf = (forwarding: Forwarding): number => JSON.parse(forwarding.lines(true)[0] ?? '').localPort

  const skip = async (t: { skip(why: string): void }): Promise<boolean> => {
    if (image !== null) return false
    t.skip('an image of Debian packages needs root and apt-get')
    return true
  }

  test('nginx under load, redis, PostgreSQL with psql, and python with outputs', async (t) => {
    if (await skip(t)) return
    await Promise.all([
      (async () => {
        const port = await serve(80, "exec nginx -g 'daemon off;'")
        assert.match(await (await fetch(`http://127.0.0.1:${port}/`)).text(), /nginx/i)
        const { stdout } = await run('wrk', ['-t1', '-c16', '-d3', `http://127.0.0.1:${port}/`])
        assert.doesNotMatch(stdout, /Socket errors|Non-2xx/, stdout)
        t.diagnostic(/Requests\/sec: +\S+/.exec(stdout)?.[0] ?? stdout)
      })(),
      (async () => {
        const port = await serve(6379, "exec redis-server --bind 0.0.0.0 --protected-mode no --save ''")
        const socket = connect({ host: '127.0.0.1', port })
        socket.end('SET a 41\r\nINCR a\r\nQUIT\r\n')
        assert.equal(await text(socket), '+OK\r\n:42\r\n+OK\r\n')
      })(),
      (async () => {
        const volumes = [{ name: 'data', mountPath: '/data', size: '256Mi' }]
        const wish = { memory: '256Mi', storage: '320Mi', volumes, retryOnFailure: true, maxAttempts: 2 }
        const id = await submitServer(5432, POSTGRES, wish)
        const psql = async (query: string): Promise<string> => {
          const forwarding = await reach(id, 5432)
          const port = String(localPortOf(forwarding))
          const ask = async (sql: string) =>
            await run('psql', ['-h', '127.0.0.1', '-p', port, '-U', 'postgres', '-qAtc', sql])
          try {
            // It listens before it lets anybody in.
            await until(async () => (await ask('select 1').catch(() => null)) !== null)
            return (await ask(query)).stdout.trim()
          } finally {
            await forwarding.close()
          }
        }
        const sql = 'create table t (n int); insert into t select generate_series(1, 10000); select sum(n) from t'
        assert.equal(await psql(sql), '50005000')
        // Killed in the midst of it, it goes on in the next attempt with what is on its volume.
        const kill = ['sh', '-c', 'kill -9 $(head -n 1 /data/main/postmaster.pid)']
        await client.jobs.exec(id, kill).catch(() => undefined) // the container may be gone before it answers
        await market.when(id, ({ attempt, state }) => attempt === 2 && state.status === 'running')
        assert.equal(await psql('select sum(n) from t'), '50005000')
      })(),
      (async () => {
        const code = "import os; os.makedirs('/out'); open('/out/answer','w').write(str(2**64))"
        const wish = { memory: '64Mi', outputs: '/out' }
        const submission = { ...market.job('', wish), image: image ?? '', command: ['python3', '-c'], args: [code] }
        const job = await market.ended((await market.submit(submission)).id)
        assert.equal(job.state.status, 'completed')
        const output = await client.jobs.output(job.id)
        const files: Record<string, string> = {}
        const { Readable } = await import('node:stream')
        for await (const entry of Readable.fromWeb(output as never).pipe(extract())) {
          files[entry.header.name] = await text(entry)
        }
        assert.equal(files['out/answer'], '18446744073709551616')
      })(),
    ])
  })
})

/** What a stranger's container tries on the machine that runs it: each attempt fails, and the agent serves the next job. */

import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { networkSettings } from '../../../provider-agent/engine/joined.ts'
import { namespaceProblem } from '../../faults/support/namespaces.ts'
import { type Answer, type NetworkApi, networkApi } from '../../faults/support/network-api.ts'
import { until } from '../../support/until.ts'
import { type AttackedMachine, createMachine, internet, metadata, port } from './support/machine.ts'

const problem = await namespaceProblem()
const MiB = 2 ** 20
/** As many as jobs here take, all at once at the most. */
const SANDBOXES = 3
const LOOP = 'while :; do sleep 0.1; done'

describe('attacks', { timeout: 120_000, skip: problem ?? false, concurrency: 4 }, () => {
  let machine: AttackedMachine
  let api: NetworkApi
  const ids = new Map<string, string>()

  before(async () => {
    // The agent insists on everything that can be insisted on, so it would not start without.
    const flags = ['--require-network-isolation', '--runtime', 'sandbox', '--dns', internet]
    // Two on the one machine: the jobs of one have networks of their own, those of the other are put into sandboxes.
    machine = await createMachine([
      { name: 'attacked', flags: [...flags, '--sandboxes', '0'] },
      { name: 'pooled', flags: [...flags, '--sandboxes', String(SANDBOXES)] },
    ])
    api = networkApi(machine.market)
    for (const name of ['attacked', 'pooled']) {
      ids.set(name, (await api.provider(name, ({ paused }) => paused === null)).id)
    }
    const filters = { label: [`org.cortex-node.sandbox=${ids.get('pooled')}`] }
    await until(async () => (await machine.docker.listContainers({ filters })).length === SANDBOXES)
  })
  after(async () => await machine?.[Symbol.asyncDispose]())

  const submit = async (script: string, changes: object = {}): Promise<string> =>
    await api.submit({
      ...{ command: ['sh', '-c'], args: [script], cpu: 100, memory: '32Mi', storage: '16Mi' },
      ...{ provider: ids.get('attacked'), ...changes },
    })

  /** Whether the job's container was put into a sandbox. */
  async function wasPooled(id: string): Promise<boolean> {
    const filters = { type: ['container'], label: [`cortex.job=${id}`], event: ['create'] }
    const stream = await machine.docker.getEvents({ since: 0, until: Math.ceil(Date.now() / 1000), filters } as object)
    return /"cortex.sandbox"/.test(await text(stream))
  }

  async function run(
    script: string,
    changes: object = {},
  ): Promise<{ id: string; job: Answer['data']; lines: string[] }> {
    const id = await submit(script, { network: 'none', maxAttempts: 1, ...changes })
    const job = await api.ended(id)
    return { id, job, lines: await api.lines(id) }
  }

  /** Tries to speak to each of them, all at once; says `OPEN` for who answers. */
  const speakTo = (addresses: string[]): string =>
    `for a in ${addresses.join(' ')}; do (echo | nc -w 2 $a ${port} >/dev/null 2>&1 && echo OPEN $a) & done; wait`

  it('the agent says what it holds its jobs to, having tried', async () => {
    const { capabilities } = await api.provider('attacked', () => true)
    for (const one of ['network-isolation', 'storage-quota', 'volumes', 'runtime-sandbox']) {
      assert.ok(capabilities.includes(one), `${one} in ${capabilities}`)
    }
  })

  async function attackNetwork(agent: string): Promise<void> {
    const provider = ids.get(agent)
    const neighbour = await submit(`while :; do echo hello | nc -l -p ${port}; done`, { provider })
    await api.job(neighbour, ({ status }) => status === 'running')
    const container = await machine.docker.getContainer(`cortex-${neighbour}-1`).inspect()
    const { Networks: networks } = await networkSettings(machine.docker, container, {})
    const [network] = Object.values(networks)
    assert.ok(network?.IPAddress)
    const around = [machine.host, machine.lan, metadata, '172.17.0.1', '127.0.0.1']
    const own = '$(ip route | sed -n "s/default via \\([^ ]*\\).*/\\1/p")'
    const script = `nslookup job.example 2>&1 | grep -q ${internet} && echo OPEN names
      ${speakTo([internet, ...around, network.IPAddress, network.Gateway, own])}`
    const { id, job, lines } = await run(script, { network: 'bridge', provider })
    assert.equal(job.status, 'completed', JSON.stringify(job.error))
    assert.deepEqual(lines.filter((line) => line.startsWith('OPEN')).toSorted(), [`OPEN ${internet}`, 'OPEN names'])
    const strangers = machine.contacts().filter((contact) => !['names:53', `${internet}:${port}`].includes(contact))
    assert.deepEqual(strangers, [])
    const pooled = [await wasPooled(neighbour), await wasPooled(id)]
    assert.deepEqual(pooled, Array(2).fill(agent === 'pooled'))
    await api.call('POST', `/jobs/${neighbour}/cancel`)
  }

  const kept = 'reaches the internet and its name servers, and nothing else: host, LAN, metadata, another job'
  it(`on a network of its own as in a sandbox, it ${kept}`, async () => {
    await Promise.all([attackNetwork('attacked'), attackNetwork('pooled')])

    // A container that no agent made gets through to them: it is not the network that is broken.
    const [image] = ['cortex/busybox:1']
    const plain = await machine.docker.createContainer({
      ...{ Image: image, Cmd: ['sh', '-c', speakTo([machine.lan, metadata])], Tty: true },
    })
    await plain.start()
    await plain.wait()
    const output = String(await plain.logs({ stdout: true, follow: false }))
    await plain.remove()
    for (const address of [machine.lan, metadata]) assert.match(output, new RegExp(`OPEN ${address}`))
  })

  it('the rules are back after somebody took them out', async () => {
    await machine.flushRules()
    await until(async () => /-j CORTEX-ctxj\w+-FWD/.test(await machine.rules()))
  })

  const attempts: [string, string][] = [
    ['the engine’s socket is there', 'ls /var/run/docker.sock || ls /run/docker.sock || ls $SOCKET'],
    ['it mounts the disk', 'mkdir /m; for d in /dev/vda /dev/sda /dev/loop0; do mount $d /m && exit 0; done; exit 1'],
    ['it makes the disk’s device', 'mknod /d b 254 0 || mknod /d b 7 0'],
    ['it sees the machine’s processes', '[ -d /proc/1/root/var/lib/dpkg ] || pidof dockerd'],
    ['it opens a raw socket', 'arping -c 1 -w 1 -I lo 127.0.0.1 2>&1 | grep -q "^Sent"'],
    ['it gives itself an address', 'ip addr add 10.9.9.9/24 dev lo'],
    [
      'a setuid program makes a user root',
      'sed -i "s/^root:x/root:/" /etc/passwd; cp /bin/busybox /bin/su2; chmod 4755 /bin/su2; ' +
        'su nobody -s /bin/sh -c "exec -a su /bin/su2 su root -c id" | grep uid=0',
    ],
    ['it enters another namespace', 'nsenter -t 1 -m -p true || unshare -m true'],
    ['it changes the kernel', 'echo x >/proc/sysrq-trigger || echo 1 >/proc/sys/vm/drop_caches'],
    ['it dumps a core outside', '[ "$(ulimit -c)" != 0 ]'],
    [
      'it joins the machine’s other cgroups',
      'if [ -d /sys/fs/cgroup/memory ]; then mkdir /sys/fs/cgroup/memory/x; else mkdir /sys/fs/cgroup/x; fi',
    ],
  ]
  for (const [agent, network] of [
    ['attacked', 'none'],
    ['pooled', 'bridge'],
  ] as const) {
    it(`none of ${attempts.length} ways out is one, ${agent === 'pooled' ? 'in a sandbox' : 'without a network'}`, async () => {
      const probes = attempts.map(([what, how]) => `if (${how}) >/dev/null 2>&1; then echo "OPEN ${what}"; fi`)
      const changes = { env: { SOCKET: machine.socketPath }, network, provider: ids.get(agent) }
      const { id, job, lines } = await run(`${probes.join('\n')}\necho tried`, changes)
      assert.deepEqual([job.status, lines], ['completed', ['tried']])
      assert.equal(await wasPooled(id), agent === 'pooled')
    })
  }

  it('a program that forks without end stays within its processes, and does not fill the machine', async () => {
    const { job } = await run(
      'bomb() { bomb | bomb & }; bomb; i=0; while [ $i -lt 40 ]; do i=$((i+1)); sleep 0.1; done; exit 1',
      {
        duration: 8,
      },
    )
    assert.equal(job.status, 'failed')
    assert.ok(
      ['RESOURCE_LIMIT_EXCEEDED', 'NON_ZERO_EXIT', 'DURATION_EXCEEDED'].includes(job.error.code),
      job.error.code,
    )
  })

  it('memory: ended at its limit, and told so', async () => {
    const { job } = await run('tail /dev/zero')
    assert.equal(job.error.code, 'RESOURCE_LIMIT_EXCEEDED')
    const limit = String(32 * MiB)
    const { reason, what, limitBytes, usedBytes } = job.error.details
    assert.deepEqual([reason, what, limitBytes, usedBytes], ['out-of-memory', 'memory', limit, limit])
  })

  it('storage: refused by the driver’s quota at its limit, and told so', async () => {
    const { job, lines } = await run('echo small >/x && echo fits; head -c 64000000 /dev/urandom >/y')
    assert.deepEqual([job.error?.code, lines[0]], ['RESOURCE_LIMIT_EXCEEDED', 'fits'])
    const { reason, what, limitBytes, usedBytes } = job.error.details
    assert.deepEqual([reason, what, limitBytes], ['storage-limit', 'storage', String(16 * MiB)])
    assert.ok(Number(usedBytes) < 32 * MiB, `${usedBytes}`)
    assert.notEqual(job.results.exitCode, 137, 'it was not stopped: it could not write')
  })

  it('a volume: stopped when it takes more than its size', async () => {
    const volumes = [{ name: 'data', mountPath: '/data', size: '8Mi' }]
    const { job } = await run(`head -c 24000000 /dev/urandom >/data/x; ${LOOP}`, { volumes })
    assert.equal(job.error?.code, 'RESOURCE_LIMIT_EXCEEDED')
    const { what, volume, limitBytes } = job.error.details
    assert.deepEqual([what, volume, limitBytes], ['volume', 'data', String(8 * MiB)])
  })

  it('output without end is cut off, and ends with the job', async () => {
    const { job } = await run('yes 0123456789012345678901234567890123456789', { duration: 2, stopGraceSeconds: 0 })
    assert.equal(job.error.code, 'DURATION_EXCEEDED')
  })

  it('who ignores the stop signal is killed after the grace', async () => {
    const id = await submit(`trap '' TERM INT HUP; (trap '' TERM; ${LOOP}) & ${LOOP}`, {
      network: 'none',
      stopGraceSeconds: 1,
    })
    await api.job(id, ({ status }) => status === 'running')
    await api.call('POST', `/jobs/${id}/cancel`)
    assert.equal((await api.ended(id)).status, 'cancelled')
    await until(async () => {
      const filters = { label: [`cortex.job=${id}`] }
      return (await machine.docker.listContainers({ all: true, filters })).length === 0
    })
  })

  it('and then the next job runs as any', async () => {
    const { job, lines } = await run('echo still here')
    assert.deepEqual([job.status, lines], ['completed', ['still here']])
  })
})

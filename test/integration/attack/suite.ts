/** What a stranger's container tries on the machine that runs it, for any way in which the agent runs containers. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readlink } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import type { Privileges } from '../../../provider-agent/engine/index.ts'
import { networkSettings, sandboxOf } from '../../../provider-agent/networks/network-mode.ts'
import { findProgram } from '../../../scripts/apt.ts'
import { type Answer, type NetworkApi, networkApi } from '../../faults/support/network-api.ts'
import { until } from '../../support/until.ts'
import { escapes, leastEscapes, makeInterface, makeSubvolume, ofItsKernel, refusedCalls } from './support/attempts.ts'
import { type AttackedMachine, internet, metadata, port } from './support/machine.ts'
import { systemCallProblem, systemCallProgram } from './support/system-call.ts'

const MiB = 2 ** 20
const LOOP = 'while :; do sleep 0.1; done'

/** Short words for jobs on an attacked machine. */
export interface Attacker {
  api: NetworkApi
  /** Submits a small job that runs a script; answers its id. */
  submit(script: string, changes?: object): Promise<string>
  /** The same, without network, to its end. */
  run(script: string, changes?: object): Promise<{ job: Answer['data']; lines: string[] }>
}

/** @param defaults of every job, e.g. whose provider it is for @default the agent that is called `attacked` */
export function attackerOn({ market }: AttackedMachine, defaults: object = {}): Attacker {
  const api = networkApi(market)
  const submit = async (script: string, changes: object = {}): Promise<string> =>
    await api.submit({
      ...{ command: ['sh', '-c'], args: [script], cpu: 100, memory: '32Mi', storage: '16Mi' },
      ...{ ...defaults, ...changes },
    })
  return {
    ...{ api, submit },
    async run(script, changes = {}) {
      const id = await submit(script, { network: 'none', maxAttempts: 1, ...defaults, ...changes })
      const job = await api.ended(id)
      return { job, lines: await api.lines(id) }
    },
  }
}

/** Tries to speak to each of them, all at once, by TCP and UDP; says `OPEN` for who answers. */
export function speakTo(addresses: string[]): string {
  return `for a in ${addresses.join(' ')}; do
      (echo | nc -w 2 $a ${port} >/dev/null 2>&1 && echo OPEN $a) &
      (timeout 1 tftp -g -l /dev/null -r x $a ${port} >/dev/null 2>&1) &
    done; wait`
}

/** Asks each of them for an echo, in the background; says `PONG` for who answers. */
function ping(addresses: string[]): string {
  return `for a in ${addresses.join(' ')}; do (ping -c 1 -W 2 $a 2>/dev/null | grep -q 'bytes from' && echo PONG $a) & done`
}

/** How the agent under attack holds its jobs. */
export interface Confinement {
  /** @default 'ordinary' */
  privileges?: Privileges
  /** Whether jobs have a kernel of their own, which is a program of the machine: gVisor's. @default false */
  ownsKernel?: boolean
}

/** Room for that program, beside the job's. */
const ROOMY = { memory: '128Mi' }

/** What the way in which a container is confined could get wrong: of a network of its own as of a sandbox. */
export function confinementTests(
  machine: () => AttackedMachine,
  attacker: () => Attacker,
  { privileges = 'ordinary', ownsKernel = false }: Confinement = {},
): void {
  const room = ownsKernel ? ROOMY : {}
  const matters = ([what]: [string, string]): boolean => !ownsKernel || !ofItsKernel.includes(what)
  const attempts = (privileges === 'least' ? [...escapes, ...leastEscapes] : escapes).filter(matters)

  it('reaches the internet and its name servers, and nothing else: host, LAN, metadata, another job', async () => {
    const { host, lan, docker, contacts } = machine()
    const { api, submit, run } = attacker()
    const before = contacts().length
    const neighbour = await submit(`while :; do echo hello | nc -l -p ${port}; done`)
    await api.job(neighbour, ({ status }) => status === 'running')
    const asking = await submit(LOOP)
    await api.job(asking, ({ status }) => status === 'running')
    const container = await docker.getContainer(`cortex-${neighbour}-1`).inspect()
    const [network] = Object.values((await networkSettings(docker, container, {})).Networks)
    assert.ok(network?.IPAddress)
    const closed = [host, lan, metadata, network.IPAddress, network.Gateway, '172.17.0.1']
    const own = '$(ip route | sed -n "s/default via \\([^ ]*\\).*/\\1/p")'
    // Names that a stranger's name server gives to addresses that are not its own.
    const names = [host, lan, metadata].map((address) => `${address.replaceAll('.', '-')}.rebind.example`)
    const script = `nslookup job.example 2>&1 | grep -q ${internet} && echo OPEN names
      nslookup ${names[0]} 2>&1 | grep -q ${host} && echo OPEN rebinding
      for a in ff02::1%eth0 fe80::1%eth0 ::1%eth0; do ping -6 -c 1 -W 1 $a 2>/dev/null | grep -q 'bytes from' && echo OPEN $a; done
      grep -v ' lo$' /proc/net/if_inet6 2>/dev/null && echo OPEN IPv6
      echo | nc -w 2 127.0.0.1 ${port} && echo OPEN 127.0.0.1
      ${speakTo([internet, ...closed, own, ...names])}`
    const { job, lines } = await run(script, { network: 'bridge', ...room })
    assert.equal(job.status, 'completed', JSON.stringify(job.error))
    const open = lines.filter((line) => line.startsWith('OPEN')).toSorted()
    assert.deepEqual(open, [`OPEN ${internet}`, 'OPEN names', 'OPEN rebinding'])
    const known = ['names:53', `${internet}:${port}`, 'internet udp']
    assert.deepEqual(
      contacts()
        .slice(before)
        .filter((contact) => !known.includes(contact)),
      [],
    )

    // By ICMP as well: as root of this machine, since the container itself may not.
    const { State: state } = await docker.getContainer(`cortex-${asking}-1`).inspect()
    const busybox = await findProgram('busybox')
    assert.ok(busybox)
    const within = [`--net=/proc/${state.Pid}/ns/net`, busybox, 'sh', '-c']
    const { stdout } = await promisify(execFile)('nsenter', [
      ...within,
      `${ping(['127.0.0.1', internet, ...closed])}; wait`,
    ])
    assert.deepEqual(stdout.trim().split('\n').toSorted(), ['PONG 127.0.0.1', `PONG ${internet}`])
    await Promise.all([neighbour, asking].map(async (id) => await api.call('POST', `/jobs/${id}/cancel`)))

    // A container that no agent made gets through to them: it is not the network that is broken.
    const plain = await docker.createContainer({
      ...{
        Image: 'cortex/busybox:1',
        Cmd: ['sh', '-c', `${ping([lan, metadata])}; ${speakTo([lan, metadata])}`],
        Tty: true,
      },
    })
    await plain.start()
    await plain.wait()
    const output = String(await plain.logs({ stdout: true, follow: false }))
    await plain.remove()
    for (const address of [lan, metadata]) {
      for (const word of ['OPEN', 'PONG']) assert.match(output, new RegExp(`${word} ${address}`))
    }
    await until(() => contacts().slice(before).includes('udp'))
  })

  it(`entry 43: none of ${attempts.length} ways out is one, with ${privileges} privileges`, async () => {
    const tried = attempts.map(([what, how]) => `if (${how}) >/dev/null 2>&1; then echo "OPEN ${what}"; fi`)
    const env = { SOCKET: machine().socketPath }
    const { job, lines } = await attacker().run(`${tried.join('\n')}\necho tried`, { env })
    assert.deepEqual([job.status, lines], ['completed', ['tried']])
  })

  it('looks into no process but its own: another user’s, the machine’s, its sandbox’s', async () => {
    const { api, submit } = attacker()
    const { docker } = machine()
    const id = await submit(LOOP)
    await api.job(id, ({ status }) => status === 'running')
    const { State: job, HostConfig: config } = await docker.getContainer(`cortex-${id}-1`).inspect()
    const sandbox = sandboxOf(config.NetworkMode)
    const holder = sandbox && (await docker.getContainer(sandbox.id).inspect()).State.Pid
    const spaces = async (pid: number | 'self', kinds: string[]): Promise<string[]> =>
      await Promise.all(kinds.map(async (kind) => await readlink(`/proc/${pid}/ns/${kind}`)))
    // The engine knows the process that is gVisor's kernel, and none of those in it.
    const others = ownsKernel ? [] : (['self', ...(holder === null ? [] : [holder])] as const)
    for (const other of others) {
      const apart = ['pid', 'ipc', 'mnt', ...(other === 'self' ? ['net'] : [])]
      const [theirs, its] = [await spaces(other, apart), await spaces(job.Pid, apart)]
      for (const space of its) assert.ok(!theirs.includes(space), `${space} is not the job’s alone`)
    }
    if (holder !== null && !ownsKernel) assert.deepEqual(await spaces(job.Pid, ['net']), await spaces(holder, ['net']))

    const outside = [process.pid, machine().agent.pid, ...(holder === null ? [] : [holder])].join(' ')
    // gVisor's kernel lets a job's users look at each other's environments; what counts here is what lies outside it.
    const user = ownsKernel
      ? ''
      : "su nobody -s /bin/sh -c 'cd /proc/1; cat mem environ maps | grep . || readlink fd/0 root' && echo OPEN user"
    const strangers = ownsKernel ? outside : `$other ${outside}`
    const script = `sleep 60 & mine=$!
      su nobody -s /bin/sh -c 'exec sleep 60' & other=$!
      until grep -q '^Uid:.65534' /proc/$other/status && grep -q sleep /proc/$other/cmdline; do sleep 0.1; done
      { :; } </proc/$mine/mem && echo child
      ${user}
      for pid in ${strangers}; do
        { :; } </proc/$pid/mem && echo OPEN memory $pid
        for f in environ maps stack; do cat /proc/$pid/$f | grep . && echo OPEN $f $pid; done
        readlink /proc/$pid/fd/0 /proc/$pid/root && echo OPEN files $pid
        [ -x /call ] && { /call 101 16 $pid 0 0; case $? in 1|3) ;; *) echo OPEN trace $pid;; esac; }
      done
      for pid in ${outside}; do kill -0 $pid && echo OPEN signal $pid; done
      kill $mine $other; echo tried`
    const program =
      systemCallProblem === false ? `echo ${systemCallProgram()} | base64 -d >/call; chmod 755 /call;` : ''
    const body = { command: ['sh', '-c', `${program} ( ${script} ) 2>/dev/null`] }
    const { data, message } = await api.call('POST', `/jobs/${id}/exec`, body)
    await api.call('POST', `/jobs/${id}/cancel`)
    assert.equal(data?.stdout, 'child\ntried\n', message)
  })

  const calls = (privileges === 'least' ? refusedCalls : [...refusedCalls, makeInterface]).filter(matters)
  // This machine's kernel has them all and refuses them; one of its own may lack them.
  const isRefused = ownsKernel ? '[ $? != 0 ]' : '[ $? = 1 ]'

  it(`none of ${calls.length} system calls is made, with ${privileges} privileges`, {
    skip: systemCallProblem,
  }, async () => {
    const tried = calls.map(([what, call]) => `/call ${call}; ${isRefused} || echo "OPEN ${what}"`)
    const device = privileges === 'least' || ownsKernel ? '' : 'mknod /t c 10 200 && exec <>/t; '
    const script = `echo $CALL | base64 -d >/call; chmod 755 /call; /call 39 || exit 9; cd /; ${device}\n${tried.join('\n')}`
    const { job, lines } = await attacker().run(`${script}\necho tried`, { env: { CALL: systemCallProgram() } })
    assert.deepEqual([job.status, lines], ['completed', ['tried']])
  })
}

/**
 * Run on a machine whose agent is called `attacked` and holds its jobs by a network of their own, by a quota of the storage
 * driver, and by a runtime of its own; each attempt fails, and the agent serves the next job.
 *
 * @param machine asked once the tests run
 * @param runtime as the engine calls it
 */
export function attackTests(machine: () => AttackedMachine, runtime: string, confinement: Confinement = {}): void {
  const { ownsKernel = false } = confinement
  const attacker = (): Attacker => attackerOn(machine())

  describe('from a container', { concurrency: 4 }, () => {
    it('the agent says what it holds its jobs to, having tried', async () => {
      const { capabilities } = await attacker().api.provider('attacked', () => true)
      for (const one of ['network-isolation', 'storage-quota', 'volumes', 'volume-quota', `runtime-${runtime}`]) {
        assert.ok(capabilities.includes(one), `${one} in ${capabilities}`)
      }
    })

    confinementTests(machine, attacker, confinement)

    it('every control group is read-only; the folder around them is the container’s own', {
      skip: ownsKernel && 'its kernel shows it none of this machine’s',
    }, async () => {
      // With version 1 that folder is a tmpfs for the container alone, in which it may make what it likes.
      const mark = `escaped-${process.pid}`
      const script = `mkdir /sys/fs/cgroup/${mark}
        awk '/ - cgroup2? / { print $5 }' /proc/self/mountinfo | while read m; do
          echo group $m; mkdir $m/x && echo OPEN $m
          for f in $(find $m -maxdepth 1 -type f); do (echo 1 >$f) 2>/dev/null && echo OPEN $f; done
        done
        awk '$5 ~ "^/sys/fs/cgroup" { print "mount", $5, substr($6, 1, 3), $NF }' /proc/self/mountinfo
        mount -o remount,rw $(awk '/ - cgroup2? / { print $5; exit }' /proc/self/mountinfo) && echo OPEN remount`
      const { lines } = await attacker().run(script)
      assert.deepEqual(
        lines.filter((line) => line.startsWith('OPEN')),
        [],
      )
      const groups = lines.filter((line) => line.startsWith('group '))
      const mounts = lines.filter((line) => line.startsWith('mount '))
      assert.ok(groups.length > 0, lines.join('\n'))
      for (const group of groups) {
        const mount = mounts.find((line) => line.startsWith(group.replace('group', 'mount').concat(' ')))
        assert.match(mount ?? '', / ro, /, `${group}: ${lines.join('\n')}`)
      }
      assert.equal(existsSync(`/sys/fs/cgroup/${mark}`), false, 'nothing of it is seen outside')
      const { lines: another } = await attacker().run('ls /sys/fs/cgroup')
      assert.equal(another.includes(mark), false, 'nor by the next container')
    })

    it('a program that forks without end stays within its processes, and does not fill the machine', async () => {
      const bomb = 'bomb() { bomb | bomb & }; bomb; i=0; while [ $i -lt 40 ]; do i=$((i+1)); sleep 0.1; done; exit 1'
      const { job } = await attacker().run(bomb, { duration: 8 })
      assert.equal(job.status, 'failed')
      assert.ok(
        ['RESOURCE_LIMIT_EXCEEDED', 'NON_ZERO_EXIT', 'DURATION_EXCEEDED'].includes(job.error.code),
        job.error.code,
      )
    })

    for (const [where, script] of [
      ['in a program', 'tail /dev/zero'],
      [
        'in shared memory and other folders that are memory',
        'for d in /dev/shm /dev /sys/fs/cgroup; do yes >$d/x; done',
      ],
    ]) {
      it(`memory, ${where}: ended at its limit, and told so`, async () => {
        const { job } = await attacker().run(`${script}; exit 1`)
        assert.equal(job.error?.code, 'RESOURCE_LIMIT_EXCEEDED')
        const limit = String(32 * MiB)
        const { reason, what, limitBytes, usedBytes } = job.error.details
        assert.deepEqual([reason, what, limitBytes, usedBytes], ['out-of-memory', 'memory', limit, limit])
      })
    }

    it('storage: refused by the driver’s quota at its limit, in /tmp as anywhere, and told so', async () => {
      // An empty /tmp is memory under gVisor.
      const folder = ownsKernel ? '/var' : '/tmp'
      const { job, lines } = await attacker().run(
        `mkdir -p ${folder}; echo small >/x && echo fits; head -c 64000000 /dev/urandom >${folder}/y`,
        ownsKernel ? ROOMY : {},
      )
      assert.deepEqual([job.error?.code, lines[0]], ['RESOURCE_LIMIT_EXCEEDED', 'fits'])
      const { reason, what, limitBytes, usedBytes } = job.error.details
      assert.deepEqual([reason, what, limitBytes], ['storage-limit', 'storage', String(16 * MiB)])
      assert.ok(Number(usedBytes) < 32 * MiB, `${usedBytes}`)
      assert.notEqual(job.results.exitCode, 137, 'it was not stopped: it could not write')
    })

    it('a volume: refused by its quota at its size, and told so', async () => {
      const volumes = [{ name: 'data', mountPath: '/data', size: '8Mi' }]
      const { job, lines } = await attacker().run(
        'echo small >/data/x && echo fits; head -c 24000000 /dev/urandom >/data/y',
        { volumes },
      )
      assert.deepEqual([job.error?.code, lines[0]], ['RESOURCE_LIMIT_EXCEEDED', 'fits'])
      const { reason, what, volume, limitBytes, usedBytes } = job.error.details
      assert.deepEqual([reason, what, volume, limitBytes], ['storage-limit', 'volume', 'data', String(8 * MiB)])
      assert.ok(Number(usedBytes) <= 9 * MiB, `${usedBytes}`)
      assert.notEqual(job.results.exitCode, 137, 'it was not stopped: it could not write')
    })

    it('entry 5: the engine’s own files are under no quota, and count all the same', async () => {
      const { job } = await attacker().run(`head -c 40000000 /dev/zero >/etc/hosts; ${LOOP}`, { stopGraceSeconds: 0 })
      const { reason, limitBytes } = job.error?.details ?? {}
      const told = [job.error?.code, reason, limitBytes]
      assert.deepEqual(told, ['RESOURCE_LIMIT_EXCEEDED', 'storage-limit', String(16 * MiB)])
    })

    it('entry 5: a deleted file is held by the quota', async () => {
      const { job } = await attacker().run('exec 3>/x; rm /x; head -c 40000000 /dev/zero >&3 || exit 7')
      // Refused by the quota, or ended by what was measured of it meanwhile: either way it got no more.
      if (job.results.exitCode !== 7)
        assert.equal(job.error?.code, 'RESOURCE_LIMIT_EXCEEDED', JSON.stringify(job.error))
    })

    it('what goes around a quota, by subvolumes of its own, is measured, and removed', {
      skip: systemCallProblem,
    }, async () => {
      const volumes = [{ name: 'data', mountPath: '/data', size: '8Mi' }]
      const write = (folder: string): string => `cd ${folder}; exec 3<.
        /call 16 3 ${makeSubvolume} xxxxxxxxsub || exit 9; head -c 30000000 /dev/zero >${folder}/full
        head -c 40000000 /dev/zero >${folder}/sub/more; ${LOOP}`
      // The call reads a whole page from where its text begins.
      const env = { CALL: systemCallProgram(), SPACE: ' '.repeat(8_000) }
      const ends = ['/', '/data'].map(async (folder) => {
        const script = `echo $CALL | base64 -d >/call; chmod 755 /call; ${write(folder)}`
        return await attacker().run(script, { volumes, env, cpu: 500, stopGraceSeconds: 0 })
      })
      for (const [i, { job, lines }] of (await Promise.all(ends)).entries()) {
        if (ownsKernel) {
          assert.equal(job.results.exitCode, 9, 'its kernel does not pass the call on')
          continue
        }
        assert.equal(job.error?.code, 'RESOURCE_LIMIT_EXCEEDED', lines.join('\n'))
        const { what, limitBytes, usedBytes } = job.error.details
        assert.deepEqual(
          [what, limitBytes],
          [
            ['storage', String(16 * MiB)],
            ['volume', String(8 * MiB)],
          ][i],
        )
        assert.ok(Number(usedBytes) > Number(limitBytes), usedBytes)
        const filters = { label: [`cortex.job=${job.id}`] }
        const { docker } = machine()
        await until(async () => (await docker.listContainers({ all: true, filters })).length === 0)
      }
    })

    it('output without end is cut off, and ends with the job; the engine keeps no more than it is told to', async () => {
      const { api, submit } = attacker()
      const flood = 'yes 0123456789012345678901234567890123456789'
      const id = await submit(flood, { network: 'none', maxAttempts: 1, duration: 2, stopGraceSeconds: 0 })
      await api.job(id, ({ status }) => status === 'running')
      const { HostConfig: config } = await machine().docker.getContainer(`cortex-${id}-1`).inspect()
      const { 'max-size': size = '', 'max-file': files = '' } = config.LogConfig?.Config ?? {}
      assert.ok(/^\d+$/.test(size) && Number(size) * Number(files) <= 512 * MiB, `${files} of ${size}`)
      assert.equal((await api.ended(id)).error.code, 'DURATION_EXCEEDED')
    })

    it('who ignores the stop signal is killed after the grace', async () => {
      const { api, submit } = attacker()
      const id = await submit(`trap '' TERM INT HUP; (trap '' TERM; ${LOOP}) & ${LOOP}`, {
        network: 'none',
        stopGraceSeconds: 1,
      })
      await api.job(id, ({ status }) => status === 'running')
      await api.call('POST', `/jobs/${id}/cancel`)
      assert.equal((await api.ended(id)).status, 'cancelled')
      await until(async () => {
        const filters = { label: [`cortex.job=${id}`] }
        return (await machine().docker.listContainers({ all: true, filters })).length === 0
      })
    })
  })

  it('and then the next job runs as any', async () => {
    const { job, lines } = await attacker().run('echo still here')
    assert.deepEqual([job.status, lines], ['completed', ['still here']])
  })
}

/** Jobs whose programs try the walls around them, and jobs that ask for other walls. */

import assert from 'node:assert/strict'
import { escapes, ofItsKernel, refusedCalls } from '../../integration/attack/support/attempts.ts'
import { systemCallProblem, systemCallProgram } from '../../integration/attack/support/system-call.ts'
import type { AttackTarget, HostileInput } from '../support/inputs.ts'

const MiB = 2 ** 20

async function run({ alice: { api }, image }: AttackTarget, script: string, changes: object = {}) {
  const small = { cpu: 100, memory: '32Mi', storage: '16Mi', network: 'none', maxAttempts: 1, queueTimeout: 300 }
  const id = await api.submit({ image, command: ['sh', '-c'], args: [script], ...small, duration: 1_200, ...changes })
  const job = await api.ended(id)
  return { job, lines: await api.lines(id) }
}

/** What is tried, and a script that takes more of the disk than it may and waits; which limit it is told. */
const hoards: [what: string, script: string, limit: 'storage' | 'volume'][] = [
  ['a file', `head -c ${40 * MiB} /dev/zero >/x`, 'storage'],
  ['a deleted file', `exec 3>/x; rm /x; head -c ${40 * MiB} /dev/zero >&3`, 'storage'],
  ['a deleted file of a volume', `exec 3>/data/x; rm /data/x; head -c ${12 * MiB} /dev/zero >&3`, 'volume'],
  ['a file whose name another took', `exec 3>/x; : >/y; mv /y /x; head -c ${40 * MiB} /dev/zero >&3`, 'storage'],
  [
    'a deleted file of many names',
    `exec 3>/x; ln /x /y; ln /x /z; rm /x /y /z; head -c ${40 * MiB} /dev/zero >&3`,
    'storage',
  ],
  [
    'deleted files of many processes',
    `for i in 1 2 3 4 5 6; do (exec 3>/$i; rm /$i; head -c ${5 * MiB} /dev/zero >&3; sleep 1000) & done`,
    'storage',
  ],
  [
    'a deleted file of a process that left its session',
    `(setsid sh -c 'exec 3>/x; rm /x; head -c ${40 * MiB} /dev/zero >&3; sleep 1000' &)`,
    'storage',
  ],
  [
    'a file below a deleted folder',
    `mkdir /d; cd /d; exec 3>x; rm -r /d; head -c ${40 * MiB} /dev/zero >&3`,
    'storage',
  ],
  ['/etc/hosts', `head -c ${40 * MiB} /dev/zero >/etc/hosts`, 'storage'],
  ['/etc/resolv.conf', `head -c ${40 * MiB} /dev/zero >>/etc/resolv.conf`, 'storage'],
  ['/etc/hostname', `dd if=/dev/zero of=/etc/hostname bs=1048576 count=40`, 'storage'],
  ['empty files', 'mkdir /d; cd /d; seq 9000 | xargs touch', 'storage'],
  ['empty folders of a volume', 'cd /data; seq 3000 | xargs mkdir', 'volume'],
  [
    'a file with no holes after all',
    `truncate -s ${40 * MiB} /x; dd if=/dev/zero of=/x bs=1048576 count=40 conv=notrunc`,
    'storage',
  ],
]

/** Values that a field refuses. */
const refused: [field: string, values: unknown[]][] = [
  [
    'shmSize',
    [
      '',
      '0',
      '-1',
      'NaN',
      '1e9',
      '513Mi',
      '65Ti',
      '../1Mi',
      null,
      true,
      {},
      ['1Mi'],
      -5,
      0.5,
      2 ** 60,
      '9'.repeat(100_000),
    ],
  ],
  [
    'ulimits',
    [
      'nofile=1',
      [],
      null,
      7,
      { nofile: 0 },
      { nofile: 63 },
      { nofile: 2 ** 20 + 1 },
      { nofile: -1 },
      { nofile: 'unlimited' },
    ],
  ],
  [
    'ulimits',
    [
      { nproc: 1 },
      { core: 1 },
      { memlock: -1 },
      { nofile: 1e300 },
      { nofile: [64] },
      JSON.parse('{"__proto__":{"nofile":64}}'),
    ],
  ],
  ['pids', [0, 15, 4_097, -1, 16.5, 2 ** 31, 2 ** 53, '100', null, true, [100], {}]],
  ['init', ['false', 0, 1, null, '', [], {}]],
  ['stopSignal', ['', 'KILL', 'SIGNOPE', 'SIGSTOP', '9', 9, null, 'SIGTERM\n', 'SIGTERM;reboot', 'SIGRTMIN+99']],
]

/** Fields of an engine that no job has, and that would open a wall. */
const foreign = {
  privileged: true,
  capAdd: ['SYS_ADMIN'],
  CapAdd: ['ALL'],
  securityOpt: ['seccomp=unconfined'],
  devices: ['/dev/sda'],
  pidMode: 'host',
  ipcMode: 'host',
  usernsMode: 'host',
  cgroupnsMode: 'host',
  runtime: 'runc',
  privileges: 'ordinary',
  sysctls: { 'kernel.msgmax': '1' },
  hostConfig: { Privileged: true },
  mounts: [{ source: '/', target: '/host' }],
  volumesFrom: ['other'],
  dns: ['10.0.0.1'],
  extraHosts: ['a:169.254.169.254'],
  oomScoreAdj: -1_000,
  oomKillDisable: true,
  cgroupParent: '/',
  healthcheck: { test: ['CMD', 'true'], interval: 1 },
  logConfig: { type: 'none' },
  storageOpt: { size: '1T' },
  tmpfs: { '/x': 'size=100G' },
}

async function isRefused({ alice: { api }, image }: AttackTarget, fields: object): Promise<void> {
  const [field = ''] = Object.keys(fields)
  const { status, message = '' } = await api.call('POST', '/jobs', { image, ...fields })
  assert.equal(status, 400, message)
  assert.ok(message.includes(field), message)
}

export const inputs: HostileInput[] = [
  ...hoards.map(
    ([what, script, limit]): HostileInput => ({
      name: `entry 5: ${what} beyond the job's ${limit}`,
      async attempt(target) {
        const volumes = [{ name: 'data', mountPath: '/data', size: '8Mi' }]
        const { job } = await run(target, `${script}; sleep 1000`, { volumes, stopGraceSeconds: 0 })
        const { code, details } = job.error ?? {}
        assert.equal(code, 'RESOURCE_LIMIT_EXCEEDED', JSON.stringify(job))
        assert.deepEqual([details.reason, details.what], ['storage-limit', limit])
      },
    }),
  ),
  ...escapes.map(
    ([what, how]): HostileInput => ({
      name: `entry 43: in vain ${what}`,
      async attempt(target) {
        if (target.ownsKernel && ofItsKernel.includes(what)) return
        const script = `if (${how}) >/dev/null 2>&1; then echo OPEN; fi; echo tried`
        const { job, lines } = await run(target, script, { env: { SOCKET: target.dockerHost.replace('unix://', '') } })
        assert.deepEqual([job.status, lines], ['completed', ['tried']])
      },
    }),
  ),
  {
    name: `entry 43: none of ${refusedCalls.length} system calls is made`,
    async attempt(target) {
      // The program is for amd64 alone: elsewhere there is nothing to try.
      if (systemCallProblem !== false) return
      const isRefused = target.ownsKernel ? '[ $? != 0 ]' : '[ $? = 1 ]'
      const tried = refusedCalls
        .filter(([what]) => !target.ownsKernel || !ofItsKernel.includes(what))
        .map(([what, call]) => `/call ${call}; ${isRefused} || echo "OPEN ${what}"`)
      const script = `echo $CALL | base64 -d >/call; chmod 755 /call; /call 39 || exit 9; cd /\n${tried.join('\n')}`
      const { job, lines } = await run(target, `${script}\necho tried`, { env: { CALL: systemCallProgram() } })
      assert.deepEqual([job.status, lines], ['completed', ['tried']])
    },
  },
  {
    name: 'entry 21: queued signals and message queues are the job’s own share',
    async attempt(target) {
      const { lines } = await run(
        target,
        'ulimit -i; ulimit -q; ulimit -Hi 100000 2>/dev/null && echo OPEN; echo tried',
      )
      assert.deepEqual(lines, ['4096', '409600', 'tried'])
    },
  },
  {
    name: 'entry 28: as many processes as it may have',
    async attempt(target) {
      // Processes of its own kernel are the machine's only while they run, and too few of those to be told.
      if (target.ownsKernel) return
      const script = `sh -c 'for i in $(seq 60); do sleep 60 & done'; sleep 5; exit 1`
      const { job } = await run(target, script, { pids: 20 })
      assert.deepEqual([job.error?.code, job.error?.details.reason], ['RESOURCE_LIMIT_EXCEEDED', 'process-limit'])
    },
  },
  {
    name: 'entry 28: shared memory beyond its size',
    async attempt(target) {
      const { job } = await run(target, `head -c ${20 * MiB} /dev/zero >/dev/shm/x; sleep 5; exit 135`, {
        shmSize: '4Mi',
      })
      // Its kernel says so to the program alone, which was told to end as a bus error ends it.
      const told = target.ownsKernel
        ? ['NON_ZERO_EXIT', 'bus-error']
        : ['RESOURCE_LIMIT_EXCEEDED', 'shared-memory-limit']
      assert.deepEqual([job.error?.code, job.error?.details.reason], told)
    },
  },
  {
    name: 'entry 44: a program that is process 1 and hears no signal is ended all the same',
    async attempt(target) {
      const { job } = await run(target, 'sleep 100', { init: false, duration: 2, stopGraceSeconds: 1 })
      assert.equal(job.error?.code, 'DURATION_EXCEEDED')
    },
  },
  ...refused.flatMap(([field, values]) =>
    values.map(
      (value, i): HostileInput => ({
        name: `entry 43: ${field} as ${(JSON.stringify(value) ?? '').slice(0, 40)} (${i})`,
        attempt: async (target) => await isRefused(target, { [field]: value }),
      }),
    ),
  ),
  ...Object.entries(foreign).map(
    ([field, value]): HostileInput => ({
      name: `entry 43: the engine's own field ${field}`,
      attempt: async (target) => await isRefused(target, { [field]: value }),
    }),
  ),
]

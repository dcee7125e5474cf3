import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { askedBy } from '../../protocol/capabilities.ts'
import { JobSchema, RequirementsSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { type JobSubmission, jobSubmissionSchema, splitSecrets } from '../../protocol/job-spec.ts'
import { checkWireJob, encodedRequirements, jobToWire } from '../../protocol/job-wire.ts'
import { readRequirements } from '../../protocol/market-messages.ts'
import { WireError } from '../../protocol/wire-error.ts'

const PEER = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
const GIB = 2n ** 30n

const FULL: JobSubmission = {
  image: 'registry.example:5000/team/app:1.2',
  provider: PEER,
  command: ['/bin/app'],
  args: ['--all', ''],
  cpu: 250,
  memory: '64Mi',
  storage: '1Gi',
  gpu: 2,
  gpuRequirements: {
    ...{ vendor: 'nvidia', models: ['h100', 'A100 80GB'], minVram: '40Gi', minCompute: '8.0', cuda: '>=12.4' },
    interconnect: 'nvlink',
  },
  platform: 'linux/aarch64',
  isolation: 'gvisor',
  duration: 90,
  env: { MODE: 'fast', EMPTY: '' },
  secrets: { TOKEN: 'ünïcode ✓' },
  volumes: [
    { name: 'data', mountPath: '/data', size: '2Gi' },
    { name: 'cache', mountPath: '/var/cache', size: 4096 },
  ],
  ports: [
    { port: 80, expose: true, protocol: 'TCP' },
    { port: 80, expose: false, protocol: 'UDP' },
  ],
  registryCredentials: { username: 'me', password: 'pw', serverAddress: 'registry.example:5000' },
  imagePullPolicy: 'Always',
  outputs: '/data/out',
  maxPrice: 0.05,
  constraints: { region: 'eu', labels: { disk: 'ssd' }, capabilities: ['extend'], minUptime: 60 },
  stopSignal: 'SIGINT',
  stopGraceSeconds: 0,
  network: 'none',
  shmSize: '16Mi',
  ulimits: { nofile: 100_000 },
  pids: 2_000,
  init: false,
  workdir: '/srv/app',
  user: 'app:1000',
  tty: true,
}

function onTheWire(submission: JobSubmission) {
  const { spec, secrets } = splitSecrets(jobSubmissionSchema.parse(submission))
  const requirements = readRequirements(encodedRequirements(spec))
  const job = fromBinary(JobSchema, toBinary(JobSchema, create(JobSchema, jobToWire(spec, secrets))))
  return { spec, secrets, requirements, job }
}

describe('a job on the wire', () => {
  it('tells strangers what the machine must have, and nothing else', () => {
    const { spec } = splitSecrets(jobSubmissionSchema.parse(FULL))
    const wire = fromBinary(RequirementsSchema, encodedRequirements(spec))
    assert.deepEqual(
      { ...wire },
      {
        $typeName: 'cortex.v1.Requirements',
        resources: {
          $typeName: 'cortex.v1.Resources',
          cpuMillis: 250,
          memoryBytes: 64n * 2n ** 20n,
          storageBytes: 3n * 2n ** 30n + 4096n,
          gpu: 2,
        },
        image: 'registry.example:5000/team/app:1.2',
        durationSeconds: 90,
        maxPricePerHour: 50_000_000n,
        maxNetworkBytes: 0n,
        keptVolumes: [],
        imageBytes: 0n,
        region: 'eu',
        labels: { disk: 'ssd' },
        capabilities: [
          'extend',
          'volumes',
          'outputs',
          'ports',
          'container-options',
          'process-options',
          'tty',
          'gpu-requirements',
          'platforms',
          'isolation',
        ],
        minUptimeSeconds: 60,
        provider: PEER,
        platforms: ['linux/arm64'],
        imageDigest: '',
        isolation: 'gvisor',
        gpuRequirements: {
          $typeName: 'cortex.v1.GpuRequirements',
          ...{ vendor: 'nvidia', models: ['h100', 'A100 80GB'], minMemoryBytes: 40n * GIB, minCompute: '8.0' },
          ...{ minCuda: '12.4', interconnect: 'nvlink' },
        },
      },
    )
  })

  it('holds no part of env, secrets, command, arguments, credentials or paths in its requirements', () => {
    const marker = 'xyzzy'
    const { spec } = splitSecrets(
      jobSubmissionSchema.parse({
        image: 'busybox',
        command: [`${marker}1`],
        args: [`${marker}2`],
        env: { [`${marker}3`]: `${marker}4` },
        secrets: { [`${marker}5`]: `${marker}6` },
        volumes: [{ name: `${marker}7`, mountPath: `/${marker}8`, size: 4096 }],
        registryCredentials: { username: `${marker}9`, password: `${marker}a`, serverAddress: 'docker.io' },
        outputs: `/${marker}c`,
        labels: { [`${marker}d`]: `${marker}e` },
      }),
    )
    assert.equal(Buffer.from(encodedRequirements(spec)).includes(marker), false)
  })

  it('entry 16: names a provider as it was asked for, and sends nothing where it cannot', () => {
    for (const [provider, expected] of [
      ['p2p', ''],
      [PEER, PEER],
    ] as const) {
      assert.equal(onTheWire({ image: 'busybox', provider }).requirements.provider, expected, provider)
    }
    const legacy = 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'
    for (const provider of ['my-alias', `${PEER.slice(0, -1)}0`, PEER.slice(-8), legacy, 'P2P', ` ${PEER}`]) {
      assert.throws(
        () => onTheWire({ image: 'busybox', provider }),
        (error) => error instanceof WireError && error.field === 'provider',
        provider,
      )
    }
  })

  it('entry 16: every field that narrows the choice arrives, or the job is refused', () => {
    const narrowing: Partial<JobSubmission>[] = [
      { provider: '' },
      { maxPrice: '' },
      { maxPrice: 'cheap' },
      { imagePullPolicy: '' as 'Always' },
      { network: '' as 'none' },
      { network: 'None' as 'none' },
      { constraints: { region: '' } },
      { constraints: { capabilities: [''] } },
      { constraints: { labels: { '': 'x' } } },
      { constraints: { zone: 'eu' } as object },
      { onDisconnect: '' as 'stop' },
      { volumes: [{ name: 'v', mountPath: '/v', size: '' }] },
    ]
    for (const fields of narrowing) {
      const parsed = jobSubmissionSchema.safeParse({ image: 'busybox', ...fields })
      assert.equal(parsed.success, false, JSON.stringify(fields))
    }
    const { spec, secrets } = splitSecrets(jobSubmissionSchema.parse({ image: 'busybox' }))
    const unparsed = [{ maxPrice: 'cheap' }, { volumes: [{ name: 'v', mountPath: '/v', size: 'large' }] }]
    for (const fields of unparsed) {
      assert.throws(() => [encodedRequirements({ ...spec, ...fields }), jobToWire({ ...spec, ...fields }, secrets)])
    }
    const { requirements, job } = onTheWire({ image: 'busybox', network: 'none', imagePullPolicy: 'Never' })
    for (const change of [{ networkMode: '' }, { imagePullPolicy: '' }, { networkMode: 'host' }]) {
      assert.throws(() => checkWireJob({ ...job, ...change }, requirements), WireError, JSON.stringify(change))
    }
  })

  it('says no price cap apart from a cap of nothing', () => {
    assert.equal(onTheWire({ image: 'busybox' }).requirements.maxPricePerHour, null)
    assert.equal(onTheWire({ image: 'busybox', maxPrice: 0 }).requirements.maxPricePerHour, 0n)
  })

  for (const [name, submission] of Object.entries({ full: FULL, least: { image: 'busybox' } })) {
    it(`arrives as it was sent: ${name}`, () => {
      const { spec, secrets, requirements, job } = onTheWire(submission)
      assert.deepEqual(checkWireJob(job, requirements), create(JobSchema, jobToWire(spec, secrets)))
    })
  }

  it('keeps every field of the spec that a container needs', () => {
    const { job } = onTheWire(FULL)
    assert.deepEqual(job.command, ['/bin/app'])
    assert.deepEqual(job.args, ['--all', ''])
    assert.deepEqual(job.env, { MODE: 'fast', EMPTY: '' })
    assert.deepEqual(job.secrets, { TOKEN: 'ünïcode ✓' })
    assert.deepEqual(
      job.volumes.map((volume) => [volume.name, volume.mountPath, volume.sizeBytes]),
      [
        ['data', '/data', 2n ** 31n],
        ['cache', '/var/cache', 4096n],
      ],
    )
    assert.deepEqual(
      job.ports.map((port) => [port.port, port.expose, port.protocol]),
      [
        [80, true, 'TCP'],
        [80, false, 'UDP'],
      ],
    )
    assert.equal(job.registryCredentials?.password, 'pw')
    assert.deepEqual(
      [job.imagePullPolicy, job.outputs, job.stopSignal, job.stopGraceSeconds, job.networkMode],
      ['Always', '/data/out', 'SIGINT', 0, 'none'],
    )
    assert.deepEqual(
      [job.shmBytes, job.openFiles, job.pids, job.init, job.imageStopSignal],
      [2n ** 24n, 100_000, 2_000, false, false],
    )
  })

  it('entry 44: asks for the image’s own stop signal where the spec names none, and an older provider for SIGTERM', () => {
    const { job } = onTheWire({ image: 'busybox' })
    assert.deepEqual([job.imageStopSignal, job.stopSignal, job.init], [true, 'SIGTERM', undefined])
  })

  for (const option of [{ shmSize: '1Mi' }, { ulimits: { nofile: 100 } }, { pids: 16 }, { init: true }]) {
    it(`entry 43: goes to nobody who would not heed ${Object.keys(option)[0]}`, () => {
      const { requirements } = onTheWire({ image: 'busybox', ...option })
      assert.deepEqual(requirements.capabilities, ['container-options'])
    })
  }

  for (const option of [{ workdir: '/' }, { user: '1000' }]) {
    it(`goes to nobody who would not heed ${Object.keys(option)[0]}`, () => {
      const { requirements, job } = onTheWire({ image: 'busybox', ...option })
      assert.deepEqual(requirements.capabilities, ['process-options'])
      assert.partialDeepStrictEqual({ ...job }, option)
    })
  }
})

it('every capability that a job asks for is said by the fields that ask for it', () => {
  const whole = { ...FULL, maxNetwork: '1Gi', network: 'bridge', constraints: { minCpuScore: 9 } } as const
  const ports = [...(FULL.ports ?? []), { port: 90, public: true }]
  const { requirements } = onTheWire({ ...whole, ports })
  assert.equal(requirements.capabilities.length, 12)
  for (const capability of requirements.capabilities) {
    assert.notEqual(askedBy([capability]), 'constraints.capabilities', capability)
  }
  assert.equal(askedBy(['extend', 'tty', 'volumes']), 'constraints.capabilities, tty, volumes')
})

describe('what is said of traffic', () => {
  it('goes to nobody who would not heed it, and costs a job without a network nothing', () => {
    const asked = (job: object) => {
      const { requirements, job: wire } = onTheWire({ image: 'busybox', ...job })
      return [requirements.maxNetworkBytes, wire.maxNetworkBytes, requirements.capabilities]
    }
    assert.deepEqual(asked({}), [undefined, undefined, []])
    assert.deepEqual(asked({ maxNetwork: '1Gi' }), [2 ** 30, BigInt(2 ** 30), ['network-limit']])
    assert.deepEqual(asked({ network: 'none', maxNetwork: '1Gi' }), [0, 0n, []])
    assert.deepEqual(asked({ network: 'none' }), [0, 0n, []])
  })
})

describe('a terminal', () => {
  it('is asked of who has one, and of nobody else', () => {
    const { requirements, job } = onTheWire({ image: 'busybox', tty: true })
    assert.deepEqual([requirements.capabilities, job.tty], [['tty'], true])
    assert.deepEqual(onTheWire({ image: 'busybox', tty: false }).requirements.capabilities, [])
  })
})

describe('what is asked of GPUs', () => {
  it('goes to nobody who would not heed it, and a number of GPUs alone to anybody', () => {
    const capabilities = (job: object) => onTheWire({ image: 'busybox', gpu: 1, ...job }).requirements.capabilities
    assert.deepEqual(capabilities({}), [])
    assert.deepEqual(capabilities({ gpuRequirements: {} }), [], 'nothing is asked')
    assert.deepEqual(capabilities({ gpuRequirements: { models: ['h100'] } }), ['gpu-requirements'])
  })

  it('arrives as it was meant', () => {
    assert.deepEqual(onTheWire(FULL).requirements.gpuRequirements, {
      ...{ vendor: 'nvidia', models: ['h100', 'A100 80GB'], minMemoryBytes: Number(40n * GIB), minCompute: '8.0' },
      ...{ minCuda: '12.4', interconnect: 'nvlink' },
    })
    assert.equal('gpuRequirements' in onTheWire({ image: 'busybox', gpu: 1 }).requirements, false)
  })
})

type JobInit = MessageInitShape<typeof JobSchema>

/** Resources and volumes of the full job, one thing changed. */
const resources = (change: object): JobInit => ({
  resources: { cpuMillis: 250, memoryBytes: 2n ** 26n, storageBytes: 3n * GIB + 4096n, gpu: 2, ...change },
})
const volumes = (first: object, second: object = {}): JobInit => ({
  volumes: [
    { name: 'data', mountPath: '/data', sizeBytes: 2n * GIB, ...first },
    { name: 'cache', mountPath: '/var/cache', sizeBytes: 4096n, ...second },
  ],
})
const port = (change: object): JobInit => ({ ports: [{ port: 80, protocol: 'TCP', ...change }] })

/** The field that the refusal names, and what a hostile requester changed in the full job. */
const HOSTILE: [field: string, change: JobInit][] = [
  ['resources.cpuMillis', resources({ cpuMillis: 251 })],
  ['resources.memoryBytes', resources({ memoryBytes: 2n ** 27n })],
  ['resources.storageBytes', resources({ storageBytes: 3n * GIB + 4097n })],
  ['resources.gpu', resources({ gpu: 0 })],
  ['gpuRequirements', { gpuRequirements: { models: ['t4'] } }],
  ['memory_bytes', resources({ memoryBytes: 2n ** 64n - 1n })],
  ['image', { image: 'other' }],
  ['image', { imageDigest: `sha256:${'0'.repeat(64)}` }],
  ['platform', { platform: 'linux/amd64' }],
  ['isolation', { isolation: 'container' }],
  ['isolation', { isolation: '' }],
  ['duration', { durationSeconds: 2 ** 32 - 1 }],
  ['command[0]', { command: ['a\0b'] }],
  ['command', { command: Array(257).fill('a') }],
  ['args[1]', { args: ['', 'a'.repeat(16 * 1024 + 1)] }],
  ['env.1A', { env: { '1A': '' } }],
  ['env.A=B', { env: { 'A=B': '' } }],
  ['env.A', { env: { A: '\0' } }],
  ['secrets.MODE', { secrets: { MODE: 'slow' } }],
  ['volumes[0].name', volumes({ name: '../../etc' })],
  ['volumes[0].mountPath', volumes({ mountPath: '/data/../etc' })],
  ['volumes[0].mountPath', volumes({ mountPath: '/' })],
  ['volumes[1].mountPath', volumes({}, { mountPath: '/data' })],
  ['volumes[0].size', volumes({ sizeBytes: 0n })],
  ['volumes[0].size', volumes({ sizeBytes: 2n ** 64n - 1n })],
  ['volumes', volumes({ sizeBytes: 3n * GIB })],
  ['ports[0].port', port({ port: 0 })],
  ['ports[0].port', port({ port: 65_536 })],
  ['ports[0].protocol', port({ protocol: 'SCTP' })],
  ['ports[0].public', port({ public: true, expose: false })],
  ['ports[1].port', { ports: [1, 2].map(() => ({ port: 80, protocol: 'TCP' })) }],
  ['registryCredentials.serverAddress', { registryCredentials: { username: 'me', password: 'pw' } }],
  // entry 15
  [
    'registryCredentials.serverAddress',
    { registryCredentials: { username: 'me', password: 'pw', serverAddress: 'other.example' } },
  ],
  ['imagePullPolicy', { imagePullPolicy: '' }],
  ['outputs', { outputs: '../up' }],
  ['stopSignal', { stopSignal: 'KILL' }],
  ['stopGraceSeconds', { stopGraceSeconds: 2 ** 32 - 1 }],
  ['network', { networkMode: 'host' }],
  ['shmSize', { shmBytes: 2n ** 26n + 1n }],
  ['shmSize', { shmBytes: 2n ** 64n - 1n }],
  ['ulimits.nofile', { openFiles: 1 }],
  ['ulimits.nofile', { openFiles: 2 ** 32 - 1 }],
  ['maxNetwork', { maxNetworkBytes: 1n }],
  ['maxNetwork', { maxNetworkBytes: 2n ** 64n - 1n }],
  ['pids', { pids: 1 }],
  ['pids', { pids: 2 ** 32 - 1 }],
  ['workdir', { workdir: 'srv' }],
  ['workdir', { workdir: '/proc/1/root' }],
  ['user', { user: 'root\n' }],
  ['user', { user: '2147483648' }],
]

/** The full job as a hostile requester would send it, and the requirements that were bid on. */
function tampered(change: JobInit) {
  const { spec, secrets, requirements } = onTheWire(FULL)
  return { requirements, job: create(JobSchema, { ...jobToWire(spec, secrets), ...change } as JobInit) }
}

describe('an award’s job is refused', () => {
  it('when there is none, or it says no resources', () => {
    const { requirements, job } = onTheWire(FULL)
    assert.throws(() => checkWireJob(undefined, requirements), { code: 'INVALID_FIELD', field: 'job' })
    delete job.resources
    assert.throws(() => checkWireJob(job, requirements), { code: 'INVALID_FIELD', field: 'resources.cpuMillis' })
  })

  for (const [index, [field, change]] of HOSTILE.entries()) {
    it(`naming ${field} (case ${index})`, () => {
      const { requirements, job } = tampered(change)
      assert.throws(() => checkWireJob(job, requirements), { name: 'WireError', code: 'INVALID_FIELD', field })
    })
  }

  it('without a word of its values', () => {
    const { requirements, job } = tampered({ secrets: { TOKEN: 'hunter2\0' } })
    assert.throws(
      () => checkWireJob(job, requirements),
      (error) => error instanceof WireError && error.field === 'secrets.TOKEN' && !error.message.includes('hunter2'),
    )
  })
})

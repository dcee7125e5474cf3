import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  type FieldError,
  fieldErrors,
  hasSecrets,
  jobSubmissionSchema,
  maxPricePerHour,
  resourcesOf,
  splitSecrets,
} from '../../protocol/job-spec.ts'
import { credentials, FIELDS, names, volume } from './job-spec-fields.ts'

const BASE = { image: 'busybox' }
const MEGABYTE = 1_000_000

function errorsOf(input: unknown): FieldError[] {
  const parsed = jobSubmissionSchema.safeParse(input)
  return parsed.success ? [] : fieldErrors(parsed.error)
}

const show = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 80)

describe('a job of an image alone', () => {
  it('has every default', () => {
    assert.deepEqual(jobSubmissionSchema.parse(BASE), {
      image: 'busybox',
      provider: 'p2p',
      command: [],
      args: [],
      cpu: 1000,
      memory: '512Mi',
      storage: '1Gi',
      gpu: 0,
      duration: 3600,
      env: {},
      secrets: {},
      volumes: [],
      ports: [],
      imagePullPolicy: 'IfNotPresent',
      providerStrategy: 'cost',
      constraints: { labels: {}, minUptime: 0, capabilities: [] },
      labels: {},
      autoExtend: false,
      maxAttempts: 3,
      retryOnFailure: false,
      queueTimeout: 120,
      onDisconnect: 'continue',
      leaseTimeout: 60,
      stopGraceSeconds: 10,
      network: 'bridge',
    })
  })

  it('is parsed to what parses to itself', () => {
    const spec = jobSubmissionSchema.parse(BASE)
    assert.deepEqual(jobSubmissionSchema.parse(spec), spec)
  })

  it('has defaults of its own, not shared with the next job', () => {
    const first = jobSubmissionSchema.parse(BASE)
    first.env.LEAKED = 'yes'
    first.constraints.capabilities.push('leaked')
    assert.deepEqual(jobSubmissionSchema.parse(BASE).env, {})
    assert.deepEqual(jobSubmissionSchema.parse(BASE).constraints.capabilities, [])
  })

  it('has a port exposed over TCP by default', () => {
    const { ports } = jobSubmissionSchema.parse({ ...BASE, ports: [{ port: 80 }] })
    assert.deepEqual(ports, [{ port: 80, expose: true, protocol: 'TCP' }])
  })
})

describe('every field', () => {
  it('is in the table', () => {
    assert.deepEqual(Object.keys(FIELDS).sort(), Object.keys(jobSubmissionSchema.shape).sort())
  })

  for (const [field, { good, bad, beside }] of Object.entries(FIELDS)) {
    it(`${field} takes what is right`, () => {
      for (const value of good) assert.deepEqual(errorsOf({ ...BASE, ...beside, [field]: value }), [], show(value))
    })

    it(`${field} refuses what is wrong, and says where`, () => {
      for (const value of bad) {
        const errors = errorsOf({ ...BASE, ...beside, [field]: value })
        assert.ok(errors.length > 0, show(value))
        for (const { path: where } of errors) assert.match(where, new RegExp(`^${field}($|[.[])`), show(value))
      }
    })

    it(`${field} says what is wrong and what would be right, in plain words`, () => {
      for (const value of bad) {
        for (const { message } of errorsOf({ ...BASE, [field]: value })) {
          assert.match(message, /must|remove|give|keep|mount/, show(value))
          assert.doesNotMatch(message, /expected|invalid|undefined|NaN|regex|pattern|\^|\\/i, show(value))
        }
      }
    })
  }
})

describe('messages', () => {
  const cases: [input: object, path: string, message: string][] = [
    [
      {},
      'image',
      'is missing: it must be an image reference: [registry/]name[:tag][@sha256:digest], the name in lower case',
    ],
    [{ ...BASE, cpu: 5 }, 'cpu', 'must be a whole number of millicores from 10 to 1024000'],
    [{ ...BASE, cpu: 10.5 }, 'cpu', 'must be a whole number of millicores from 10 to 1024000'],
    [{ ...BASE, cpu: '1' }, 'cpu', 'is text: it must be a whole number of millicores from 10 to 1024000'],
    [{ ...BASE, duration: 0 }, 'duration', 'must be a whole number of seconds from 1 to 2592000'],
    [{ ...BASE, ports: [{}] }, 'ports[0].port', 'is missing: it must be a whole number from 1 to 65535'],
    [
      { ...BASE, memory: '512MB' },
      'memory',
      'must be a whole amount of memory such as "512Mi" or "2Gi" (Ki, Mi, Gi, Ti or plain bytes), from 6Mi to 64Ti',
    ],
    [
      { ...BASE, env: { '1A': '' } },
      'env.1A',
      'is not a valid name: it must be a variable name: at most 128 letters, digits, _ . -, starting with a letter or _',
    ],
    [{ ...BASE, network: 'host' }, 'network', 'must be one of "bridge", "none"'],
    [{ ...BASE, command: 'ls' }, 'command', 'is text: it must be a list'],
    [{ ...BASE, autoExtend: 'yes' }, 'autoExtend', 'is text: it must be true or false'],
    [{ ...BASE, comand: [] }, 'comand', 'is not a known field: remove it or check its spelling'],
    [
      { ...BASE, volumes: [volume({ ro: 1 })] },
      'volumes[0].ro',
      'is not a known field: remove it or check its spelling',
    ],
    [{ ...BASE, env: { A: '' }, secrets: { A: '' } }, 'secrets.A', 'is in env, too: keep it in one of the two'],
    [{ ...BASE, duration: 7200, maxDuration: 7199 }, 'maxDuration', 'must be at least duration (7200)'],
  ]
  const parts = 'must have no colons, control characters, or parts that are empty, "." or ".."'
  for (const [path, message] of [
    ['srv/app', 'must begin with "/": it is a path in the container from its root, such as "/srv/app"'],
    ['/srv/', 'must not end with "/"'],
    ['/srv/../etc', parts],
    ['/a:b', parts],
    ['/', 'must be a path below "/", such as "/srv/app"'],
  ] as const) {
    it(`of a path such as ${path}: ${message}`, () => {
      const volumes = [{ name: 'v', mountPath: path, size: '1Mi' }]
      const found = errorsOf({ ...BASE, outputs: path, workdir: path, volumes })
      const fields = [...(path === '/' ? [] : ['workdir']), 'outputs', 'volumes[0].mountPath']
      const expected = fields.map((field) => `${field} ${message}`)
      assert.deepEqual(found.map((one) => `${one.path} ${one.message}`).toSorted(), expected.toSorted())
    })
  }

  for (const [input, path, message] of cases) {
    it(`${path}: ${message}`, () => assert.deepEqual(errorsOf(input), [{ path, message }]))
  }

  it('name every problem at once', () => {
    const errors = errorsOf({ cpu: 1, memory: '1', nonsense: true, ports: [{ port: 0 }, { port: 'x' }] })
    assert.deepEqual(errors.map((error) => error.path).sort(), [
      'cpu',
      'image',
      'memory',
      'nonsense',
      'ports[0].port',
      'ports[1].port',
    ])
  })

  it('hold no values', () => {
    const input = { ...BASE, env: { A: 'hunter2\0' }, secrets: { B: 'hunter2\0', '1': 'hunter2' }, cpu: 'hunter2' }
    const credentialsToo = { registryCredentials: credentials({ password: 'hunter2\0', serverAddress: 'hunter2 x' }) }
    assert.doesNotMatch(JSON.stringify(errorsOf({ ...input, ...credentialsToo })), /hunter2/)
  })

  it('are a hundred at most, with paths of bounded length', () => {
    const errors = errorsOf({ ...BASE, ...names(50_000), [`x${'y'.repeat(MEGABYTE)}`]: 1 })
    assert.equal(errors.length, 100)
    assert.ok(errorsOf({ ...BASE, [`x${'y'.repeat(MEGABYTE)}`]: 1 })[0]?.path.length === 129)
  })
})

describe('fields together', () => {
  const refused: [name: string, path: string, input: object][] = [
    ['env and secrets beyond 512', 'secrets', { env: { X: '' }, secrets: names(512) }],
    ['storage and volumes beyond 64 TiB', 'storage', { storage: '64Ti', volumes: [volume({ size: '1Mi' })] }],
    [
      'text beyond 256 KiB in all',
      '',
      { env: Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`A${i}`, 'a'.repeat(32 * 1024)])) },
    ],
  ]
  for (const [name, path, input] of refused) {
    it(`are refused: ${name}`, () =>
      assert.deepEqual(
        errorsOf({ ...BASE, ...input }).map((error) => error.path),
        [path],
      ))
  }

  it('name each repeated volume and port, not the first', () => {
    const errors = errorsOf({
      ...BASE,
      volumes: [volume(), volume(), volume({ name: 'c' })],
      ports: [{ port: 80 }, { port: 81 }, { port: 80 }],
    })
    assert.deepEqual(errors.map((error) => error.path).sort(), [
      'ports[2].port',
      'volumes[1].mountPath',
      'volumes[1].name',
      'volumes[2].mountPath',
    ])
  })
})

describe('hostile input', () => {
  it('that is no job at all is refused', () => {
    for (const input of [undefined, null, 0, '', 'busybox', [], [BASE], true, () => BASE, Symbol('x'), new Map()]) {
      assert.ok(errorsOf(input).length > 0, String(input))
    }
  })

  it('with names of the language is refused by name', () => {
    const input = JSON.parse('{"image":"a","__proto__":{"cpu":5},"constructor":{},"toString":1,"hasOwnProperty":1}')
    const paths = errorsOf(input).map((error) => error.path)
    assert.deepEqual(paths.sort(), ['__proto__', 'constructor', 'hasOwnProperty', 'toString'])
    assert.equal(({} as { cpu?: unknown }).cpu, undefined)
  })

  it('keeps variables with names of the language', () => {
    const spec = jobSubmissionSchema.parse({ ...BASE, env: { constructor: 'a', hasOwnProperty: 'b' } })
    assert.deepEqual(Object.entries(spec.env), [
      ['constructor', 'a'],
      ['hasOwnProperty', 'b'],
    ])
  })

  /** A megabyte each of what makes a careless pattern try every way. The suite's own time limit is the assertion. */
  const probes = [
    'a',
    'a-',
    'a.',
    'a/',
    '/',
    '/a',
    '/.',
    '_',
    '9',
    '0.',
    'a:',
    '-',
    ' ',
    'SIG',
    'https://',
    '1Gi',
    '\u0300',
  ]
  for (const probe of probes) {
    it(`of a megabyte of ${JSON.stringify(probe)} is refused in every field`, () => {
      for (const end of ['', '!', '\n']) {
        const text = probe.repeat(MEGABYTE / probe.length) + end
        const errors = errorsOf({
          image: text,
          provider: text,
          memory: text,
          storage: text,
          maxPrice: text,
          outputs: text,
          stopSignal: text,
          env: { [text]: text },
          labels: { [text]: text },
          command: [text],
          volumes: [{ name: text, mountPath: text, size: text }],
          registryCredentials: { username: text, password: text, serverAddress: text },
          constraints: { region: text, labels: { [text]: text }, capabilities: [text] },
        })
        assert.ok(errors.length >= 13, `${errors.length} errors`)
      }
    })
  }

  it('of any shape is answered, never thrown at', () => {
    const keys = fc.constantFrom(...Object.keys(FIELDS))
    const job = fc.dictionary(keys, fc.jsonValue(), { maxKeys: 6 }).map((fields) => ({ ...BASE, ...fields }))
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), job), (input) => Array.isArray(errorsOf(input))),
      { numRuns: 1000 },
    )
  })

  it('of many wrong fields is answered, never thrown at', () => {
    const any = Object.values(FIELDS).flatMap(({ good, bad }) => [...good, ...bad])
    const small = any.filter((value) => (JSON.stringify(value) ?? '').length < 1000)
    const job = fc.dictionary(fc.constantFrom(...Object.keys(FIELDS)), fc.constantFrom(...small))
    fc.assert(
      fc.property(job, (input) => Array.isArray(errorsOf({ ...BASE, ...input }))),
      { numRuns: 1000 },
    )
  })
})

describe('entry 51: storage that a job needs though it writes nothing', () => {
  for (const [path, input] of [
    ['storage', { storage: '4Ki' }],
    ['storage', { storage: 1 }],
    ['storage', { storage: '1023Ki' }],
    ['volumes[0].size', { volumes: [volume({ size: '4095' })] }],
  ] as const) {
    it(`is refused by name in ${JSON.stringify(input)}`, () => {
      const [error] = errorsOf({ ...BASE, ...input })
      assert.equal(error?.path, path)
      assert.match(error?.message ?? '', /from (1Mi|4Ki) to 64Ti/)
    })
  }
})

it('what is asked of GPUs wants one', () => {
  for (const gpuRequirements of [{ models: ['h100'] }, {}]) {
    assert.deepEqual(errorsOf({ ...BASE, gpuRequirements }), [
      { path: 'gpuRequirements', message: 'must have gpu of at least 1 beside it' },
    ])
    assert.deepEqual(errorsOf({ ...BASE, gpuRequirements, gpu: 1 }), [])
  }
})

describe('what a job takes', () => {
  it('is its own and its volumes’ storage', () => {
    const spec = jobSubmissionSchema.parse({
      ...BASE,
      cpu: 250,
      memory: 64 * 2 ** 20,
      storage: '1.5Gi',
      gpu: 1,
      volumes: [volume({ size: '512Mi' }), volume({ name: 'b', mountPath: '/b', size: '1Mi' })],
    })
    assert.deepEqual(resourcesOf(spec), {
      cpuMillis: 250,
      memoryBytes: 64 * 2 ** 20,
      storageBytes: 2 * 2 ** 30 + 2 ** 20,
      gpu: 1,
    })
  })

  it('is capped at a price, exactly', () => {
    const cap = (maxPrice?: number | string) =>
      maxPricePerHour(jobSubmissionSchema.parse({ ...BASE, ...(maxPrice === undefined ? {} : { maxPrice }) }))
    assert.equal(cap(), null)
    assert.equal(cap(0), 0n)
    assert.equal(cap(0.07), 70_000_000n)
    assert.equal(cap('0.000000001'), 1n)
    assert.equal(cap(1e-7), 100n)
  })
})

describe('entry 15: credentials', () => {
  const cases: [image: string, serverAddress: string, isTaken: boolean][] = [
    ['busybox', 'docker.io', true],
    ['owner/name:1', 'https://index.docker.io/v1/', true],
    ['docker.io/library/busybox', 'registry-1.docker.io', true],
    ['ghcr.io/a/b:1', 'ghcr.io', true],
    ['GHCR.io/a/b', 'https://ghcr.io/', true],
    ['ghcr.io:443/a/b', 'ghcr.io', true],
    ['localhost:5000/a', 'http://localhost:5000', true],
    ['r.example:5000/a:1@sha256:'.concat('a'.repeat(64)), 'r.example:5000', true],
    ['busybox', 'ghcr.io', false],
    ['ghcr.io/a/b', 'docker.io', false],
    ['ghcr.io/a/b', 'ghcr.io.evil.example', false],
    ['evil.example/ghcr.io/b', 'ghcr.io', false],
    ['r.example:5000/a', 'r.example', false],
    ['r.example/a', 'r.example:5000', false],
    ['localhost/a', '127.0.0.1', false],
  ]
  for (const [image, serverAddress, isTaken] of cases) {
    it(`for ${serverAddress} ${isTaken ? 'go' : 'do not go'} with ${image}`, () => {
      const errors = errorsOf({ image, registryCredentials: credentials({ serverAddress }) })
      const paths = errors.map(({ path }) => path)
      assert.deepEqual(paths, isTaken ? [] : ['registryCredentials.serverAddress'])
    })
  }
})

describe('secrets', () => {
  it('are kept apart, with nothing lost', () => {
    const whole = jobSubmissionSchema.parse({ ...BASE, secrets: { A: 'b' }, registryCredentials: credentials() })
    const { spec, secrets } = splitSecrets(whole)
    assert.deepEqual(secrets, { secrets: { A: 'b' }, registryCredentials: credentials() })
    assert.deepEqual({ ...spec, ...secrets }, whole)
    assert.ok(!('secrets' in spec) && !('registryCredentials' in spec))
  })

  it('are there where there is one', () => {
    const split = (fields: object) => splitSecrets(jobSubmissionSchema.parse({ ...BASE, ...fields })).secrets
    assert.equal(hasSecrets(split({})), false)
    assert.equal(hasSecrets(split({ secrets: { A: '' } })), true)
    assert.equal(hasSecrets(split({ registryCredentials: credentials() })), true)
  })
})

/** The Helm chart, rendered by Go's own templates: what Kubernetes takes, with no more rights than it needs, and no secrets. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { Ajv } from 'ajv'
import { parse, parseAllDocuments } from 'yaml'
import { createProgram } from '../../bin/program.ts'
import { canInstall, findProgram, installPackages } from '../../scripts/apt.ts'
import { layOutChart, makeChart } from '../../scripts/packaging/chart.ts'
import { problemWith } from './support/kubernetes.ts'

const execute = promisify(execFile)
const VERSION = '1.2.3'
const NAME = 'market-cortex-node'
const CHART = join(import.meta.dirname, '../../packaging/helm')
/** Where root keeps what was compiled, for the next time. */
const CACHE = '/var/cache/cortex-dev-go'
/** Where Debian keeps packages of Go. */
const GO_PATH = '/usr/share/gocode'
const PACKAGES = ['golang-go', 'golang-github-masterminds-sprig-dev', 'golang-k8s-sigs-yaml-dev']
const skip =
  (await findProgram('go')) === null && !(await canInstall()) && 'needs Go and sprig, or root on Debian or Ubuntu'

// biome-ignore lint/suspicious/noExplicitAny: objects of many kinds, whose schemas are checked
type Any = any

const IMAGE = { repository: 'registry.example/cortex-node' }
const EVERYTHING = {
  image: { ...IMAGE, digest: `sha256:${'a'.repeat(64)}` },
  imagePullSecrets: [{ name: 'registry' }],
  bootstrap: ['/dns4/market.example/tcp/13100'],
  networkKey: { existingSecret: 'network' },
  gateway: {
    config: { 'rate-limit': 600, 'proxy-domain': 'jobs.cortex.example' },
    allowHosts: ['api.internal'],
    existingSecret: 'gateway',
    env: [{ name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: 'http://collector:4318' }],
    tls: { existingSecret: 'cortex-tls' },
    service: { annotations: { a: 'b' } },
    peers: { type: 'NodePort', nodePort: 31_310, announce: ['/dns4/cortex.example/tcp/31310'] },
    ingress: {
      enabled: true,
      className: 'nginx',
      annotations: { 'nginx.ingress.kubernetes.io/proxy-body-size': '0' },
      hosts: ['cortex.example', '*.jobs.cortex.example'],
      tls: [{ secretName: 'cortex-tls', hosts: ['cortex.example', '*.jobs.cortex.example'] }],
      trustedProxies: ['10.42.0.0/16'],
    },
    persistence: { storageClass: 'fast', size: '1Ti' },
    podAnnotations: { c: 'd' },
    nodeSelector: { disk: 'nvme' },
    tolerations: [{ key: 'only', operator: 'Exists' }],
    affinity: { nodeAffinity: {} },
  },
  relay: {
    enabled: true,
    config: { 'relay-places': 512 },
    peers: { announce: ['/dns4/relay.example/tcp/13100'], annotations: { e: 'f' } },
    persistence: { existingClaim: 'relay' },
  },
}

async function valuesSchema(): Promise<(values: unknown) => boolean> {
  const schema = JSON.parse(await readFile(join(CHART, 'values.schema.json'), 'utf8'))
  return new Ajv({ strict: false }).compile(schema)
}

describe('the Helm chart', { skip }, () => {
  let folder: string
  let chart: string
  let renderer: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-chart-'))
    chart = join(folder, 'chart')
    await layOutChart(chart, VERSION)
    if (await canInstall()) await installPackages(PACKAGES, () => undefined)
    renderer = join(folder, 'render')
    const GOCACHE = process.getuid?.() === 0 ? CACHE : join(folder, 'cache')
    const env = { ...process.env, GO111MODULE: 'off', GOPATH: GO_PATH, GOCACHE, GOFLAGS: '' }
    const source = join(import.meta.dirname, 'support/render-chart.go')
    await execute((await findProgram('go')) ?? 'go', ['build', '-o', renderer, source], { env })
  })
  after(async () => await rm(folder, { recursive: true, force: true }))

  async function render(values: object): Promise<{ documents: Any[]; notes: string }> {
    const running = execute(renderer, [chart, 'market', 'apps'])
    running.child.stdin?.end(JSON.stringify(values))
    const { 'NOTES.txt': notes = '', ...files } = JSON.parse((await running).stdout) as Record<string, string>
    const documents = Object.values(files).flatMap((text) =>
      parseAllDocuments(text).flatMap((document) => {
        assert.deepEqual(document.errors, [], text)
        return document.toJS() === null ? [] : [document.toJS()]
      }),
    )
    return { documents, notes }
  }

  function named(documents: Any[], kind: string, name: string): Any {
    return documents.find((one) => one.kind === kind && one.metadata.name === name)
  }

  function settingsIn(documents: Any[]): Any {
    return parse(named(documents, 'ConfigMap', NAME).data['cortex.yaml'])
  }

  for (const [name, values] of Object.entries({ little: { image: IMAGE }, everything: EVERYTHING })) {
    it(`with ${name}: is what Kubernetes takes`, async () => {
      const { documents } = await render(values)
      for (const document of documents) {
        assert.equal(problemWith(document), null, JSON.stringify(document, null, 1))
        assert.equal(document.metadata.labels['app.kubernetes.io/version'], VERSION)
      }
      const ids = documents.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
      assert.equal(new Set(ids).size, ids.length)
    })

    it(`with ${name}: pods are one of each, unprivileged, and write their volumes alone`, async () => {
      const { documents } = await render(values)
      const sets = documents.filter(({ kind }) => kind === 'StatefulSet')
      assert.equal(sets.length, name === 'little' ? 1 : 2)
      for (const { spec } of sets) {
        assert.equal(spec.replicas, 1)
        const pod = spec.template.spec
        assert.equal(pod.automountServiceAccountToken, false)
        assert.deepEqual([pod.hostNetwork, pod.hostPID, pod.serviceAccountName], [undefined, undefined, undefined])
        assert.equal(pod.securityContext.runAsNonRoot, true)
        assert.equal(pod.securityContext.seccompProfile.type, 'RuntimeDefault')
        const [container] = pod.containers
        assert.deepEqual(container.securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        assert.ok(container.readinessProbe && container.livenessProbe)
        const written = container.volumeMounts.filter((mount: Any) => mount.readOnly !== true)
        assert.deepEqual(
          written.map(({ mountPath }: Any) => mountPath),
          ['/data', '/tmp'],
        )
        // What is selected is what there is.
        const labels = spec.template.metadata.labels
        for (const [key, value] of Object.entries(spec.selector.matchLabels)) assert.equal(labels[key], value)
      }
      for (const { spec } of documents.filter(({ kind }) => kind === 'Service')) {
        const chosen = sets.filter(({ spec: { template } }) =>
          Object.entries(spec.selector).every(([key, value]) => template.metadata.labels[key] === value),
        )
        assert.equal(chosen.length, 1)
        const names = chosen[0].spec.template.spec.containers[0].ports.map((port: Any) => port.name)
        for (const { targetPort } of spec.ports) assert.ok(names.includes(targetPort), targetPort)
      }
      assert.deepEqual(
        documents.filter(({ kind }) => kind === 'Secret'),
        [],
      )
    })

    it(`with ${name}: its settings are some that the program takes`, async () => {
      const { documents } = await render(values)
      const known = new Set<string>()
      const program = await createProgram(['gateway'])
      for (const command of program.commands) for (const { long } of command.options) known.add(long ?? '')
      const { gateway, relay, ...common } = settingsIn(documents)
      for (const key of Object.keys({ ...common, ...gateway, ...relay })) {
        assert.ok(known.has(`--${key}`) || known.has(`--no-${key}`), key)
      }
    })
  }

  it('says in settings and pods what its values say', async () => {
    const { documents, notes } = await render(EVERYTHING)
    const service = `${NAME}-gateway`
    assert.deepEqual(settingsIn(documents), {
      network: 'main',
      mdns: false,
      'network-key': '/etc/cortex-network/network.key',
      gateway: {
        host: '0.0.0.0',
        port: 13_000,
        listen: ['/ip4/0.0.0.0/tcp/13100'],
        'allow-host': [
          ...['cortex.example', 'api.internal', service, `${service}.apps`, `${service}.apps.svc`],
          `${service}.apps.svc.cluster.local`,
        ],
        bootstrap: ['/dns4/market.example/tcp/13100', `/dns4/${NAME}-relay.apps.svc/tcp/13100`],
        announce: ['/dns4/cortex.example/tcp/31310'],
        'tls-cert': '/etc/cortex-tls/tls.crt',
        'tls-key': '/etc/cortex-tls/tls.key',
        'trust-proxy': ['10.42.0.0/16'],
        ...EVERYTHING.gateway.config,
      },
      relay: {
        listen: ['/ip4/0.0.0.0/tcp/13100'],
        bootstrap: ['/dns4/market.example/tcp/13100'],
        announce: ['/dns4/relay.example/tcp/13100'],
        'relay-places': 512,
      },
    })
    const { spec } = named(documents, 'StatefulSet', service)
    const [container] = spec.template.spec.containers
    assert.equal(container.image, `registry.example/cortex-node@sha256:${'a'.repeat(64)}`)
    assert.deepEqual(container.envFrom, [{ secretRef: { name: 'gateway' } }])
    assert.equal(container.livenessProbe.httpGet.scheme, 'HTTPS')
    assert.equal(spec.volumeClaimTemplates[0].spec.resources.requests.storage, '1Ti')
    const { spec: relay } = named(documents, 'StatefulSet', `${NAME}-relay`)
    assert.equal(relay.volumeClaimTemplates, undefined)
    assert.deepEqual(relay.template.spec.volumes.find(({ name }: Any) => name === 'data').persistentVolumeClaim, {
      claimName: 'relay',
    })
    assert.equal(named(documents, 'Service', `${service}-peers`).spec.ports[0].nodePort, 31_310)
    assert.deepEqual(
      named(documents, 'Ingress', service).spec.rules.map(({ host }: Any) => host),
      EVERYTHING.gateway.ingress.hosts,
    )
    assert.match(notes, /https:\/\/cortex\.example/)
  })

  it('takes what the documentation says that most will set', async () => {
    const guide = await readFile(join(import.meta.dirname, '../../docs/install.md'), 'utf8')
    const values = parse(/```yaml not-run\n(image:.*?)```/s.exec(guide)?.[1] ?? '')
    assert.ok((await valuesSchema())(values))
    const { documents } = await render(values)
    assert.equal(documents.filter((document) => problemWith(document) === null).length, documents.length)
    assert.equal(settingsIn(documents).gateway['proxy-domain'], 'jobs.cortex.example')
  })

  it('refuses what would not work, and says which value it is', async () => {
    const ingress = { enabled: true, hosts: ['cortex.example'], trustedProxies: ['10.0.0.0/8'] }
    const cases: [object, RegExp][] = [
      [{}, /image\.repository/],
      [{ image: IMAGE, gateway: { ingress: { ...ingress, trustedProxies: [] } } }, /gateway\.ingress\.trustedProxies/],
      [{ image: IMAGE, gateway: { ingress: { ...ingress, hosts: [] } } }, /gateway\.ingress\.hosts/],
    ]
    for (const [values, expected] of cases) await assert.rejects(render(values), expected)
  })
})

describe('the values of the Helm chart', () => {
  it('have a schema, which knows each of them and nothing else', async () => {
    const valid = await valuesSchema()
    const text = await readFile(join(CHART, 'values.yaml'), 'utf8')
    assert.ok(valid(parse(text)))
    assert.ok(valid(EVERYTHING))
    const WRONG = [
      { gatewey: {} },
      { gateway: { adminKey: 'secret' } },
      { gateway: { config: { 'metrics-token': 'secret' } } },
      { gateway: { service: { port: 0 } } },
      { image: { digest: 'sha256:1' } },
      { bootstrap: ['market.example'] },
    ]
    for (const values of WRONG) assert.ok(!valid(values), JSON.stringify(values))
  })

  it('are in one archive of the same bytes each time', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-chart-'))
    try {
      const file = await makeChart(folder, VERSION, 1_700_000_000)
      const first = await readFile(file)
      assert.ok(first.equals(await readFile(await makeChart(folder, VERSION, 1_700_000_000))))
      const { stdout } = await execute('tar', ['-xzOf', file, 'cortex-node/Chart.yaml'])
      const { version, appVersion, name } = parse(stdout) as Record<string, string>
      assert.deepEqual([name, version, appVersion], ['cortex-node', VERSION, VERSION])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

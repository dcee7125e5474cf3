import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Command } from 'commander'
import { parseSync, Visitor } from 'oxc-parser'
import { COST_PERIODS } from '../../../gateway/contract/costs.ts'
import { EVENT_TYPES } from '../../../gateway/contract/event-types.ts'
import { JOB_DEFAULTS } from '../../../gateway/contract/job-defaults.ts'
import { JOB_STATUSES } from '../../../gateway/contract/job-status.ts'
import { PERIODS, RESOLUTIONS } from '../../../gateway/contract/metric-times.ts'
import { GRANTS } from '../../../gateway/contract/permissions.ts'
import { PROVIDER_PERIODS } from '../../../gateway/contract/provider-metrics.ts'
import { PROVIDER_STATUSES } from '../../../gateway/contract/provider-status.ts'
import { CONCURRENCY_POLICIES } from '../../../gateway/contract/schedule-words.ts'
import { WEBHOOK_EVENTS } from '../../../gateway/contract/webhook-events.ts'
import { submissionOf } from '../../../gateway/dashboard/src/jobs/submission.ts'
import { jobFlags } from '../../../node/commands/job-flags.ts'
import { jobSubmissionSchema } from '../../../protocol/job-spec.ts'
import { openTestGateway } from '../support/test-gateway.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const SOURCES = globSync('gateway/{dashboard/src,client,commands}/**/*.{ts,tsx}', { cwd: root })

/** Lists of words that stand once, in the contract. */
const LISTS: Record<string, readonly string[]> = {
  ...{ JOB_STATUSES, GRANTS, EVENT_TYPES, WEBHOOK_EVENTS, PROVIDER_STATUSES, CONCURRENCY_POLICIES },
  COST_PERIODS: Object.keys(COST_PERIODS),
  PERIODS: Object.keys(PERIODS),
  RESOLUTIONS: Object.keys(RESOLUTIONS),
  PROVIDER_PERIODS: Object.keys(PROVIDER_PERIODS),
}

/** Where a source writes down again what the contract says: most of a list, or the default of a field. */
function retyped(source: string, file = 'x.tsx'): string[] {
  const found: string[] = []
  const literal = (node: unknown): unknown => {
    const { type, value } = node as { type: string; value?: unknown }
    return type === 'Literal' ? value : undefined
  }
  const note = (field: string, value: unknown): void => {
    if (!Object.hasOwn(JOB_DEFAULTS, field) || typeof value === 'boolean' || value === 0) return
    if (JOB_DEFAULTS[field as keyof typeof JOB_DEFAULTS] === value) found.push(`${field} ${value}`)
  }
  new Visitor({
    ArrayExpression({ elements }) {
      const words = elements.map((element) => (element === null ? undefined : literal(element)))
      if (words.length < 3 || words.some((word) => typeof word !== 'string')) return
      for (const [name, list] of Object.entries(LISTS)) {
        if (words.length > list.length / 2 && words.every((word) => list.includes(word as string))) found.push(name)
      }
    },
    Property({ key, value }) {
      if (key.type === 'Identifier') note(key.name, literal(value))
    },
    LogicalExpression({ left, right }) {
      if (left.type !== 'MemberExpression' || left.property.type !== 'Identifier') return
      note(left.property.name, literal(right))
    },
  }).visit(parseSync(file, source).program)
  return found
}

describe('what clients and the gateway agree on stands once', () => {
  it('the schema has the defaults', () => {
    const { image: _, ...job } = jobSubmissionSchema.parse({ image: 'busybox' })
    assert.deepEqual({ ...job, ...JOB_DEFAULTS }, job)
  })

  it('the document of the API says them', async () => {
    const gateway = await openTestGateway()
    try {
      const { body } = await gateway.ask('GET', '/api/openapi.json')
      const { properties } = body.components.schemas.JobSubmission
      const said = Object.keys(JOB_DEFAULTS).map((name) => [name, properties[name].default])
      assert.deepEqual(Object.fromEntries(said), JOB_DEFAULTS)
      const { example } = body.paths['/plugin-core/jobs/{id}'].get.responses['200'].content['application/json']
      assert.equal(example.data.maxAttempts, JOB_DEFAULTS.maxAttempts)
    } finally {
      await gateway.close()
    }
  })

  it('the help of the commands says those that have a flag', () => {
    const help = jobFlags(new Command('run').configureHelp({ helpWidth: 1000 })).helpInformation()
    const { cpu, memory, storage, duration, providerStrategy, imagePullPolicy, queueTimeout, maxAttempts } =
      JOB_DEFAULTS
    const flags = { cpu, memory, storage, duration, strategy: providerStrategy, pull: imagePullPolicy }
    for (const [flag, value] of Object.entries({
      ...flags,
      'queue-timeout': queueTimeout,
      'max-attempts': maxAttempts,
    })) {
      assert.match(help, new RegExp(`--${flag} .*\\(default: "?${value}"?\\)`), flag)
    }
  })

  it('a job that is submitted again names none of them but what it costs most by', () => {
    const { cpu, memory, storage, duration, ...rest } = JOB_DEFAULTS
    const { provider, gpu, maxAttempts, ...config } = rest
    const job = { id: 'job_1', image: 'busybox', cpu, memory, storage, duration, provider, gpu, maxAttempts, config }
    assert.deepEqual(submissionOf(job), { image: 'busybox', cpu, memory, storage, duration })
  })

  it('neither the pages, the client nor the commands write any of it down again', () => {
    assert.ok(SOURCES.length > 150)
    const found = SOURCES.flatMap((file) =>
      retyped(readFileSync(join(root, file), 'utf8'), file).map((what) => `${file}: ${what}`),
    )
    assert.deepEqual(found, [])
  })

  it('which is seen where it is done', () => {
    assert.deepEqual(retyped(`const a = ['pending', 'scheduled', 'running', 'failed']`), ['JOB_STATUSES'])
    assert.deepEqual(retyped(`const a = ['job.completed', 'job.failed', 'other']`), [])
    assert.deepEqual(retyped(`const a = { maxAttempts: ${JOB_DEFAULTS.maxAttempts}, cpu: 1 }`), [
      `maxAttempts ${JOB_DEFAULTS.maxAttempts}`,
    ])
    assert.deepEqual(retyped(`const a = job.duration ?? ${JOB_DEFAULTS.duration}`), [
      `duration ${JOB_DEFAULTS.duration}`,
    ])
  })
})

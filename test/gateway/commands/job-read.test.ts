import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { failure } from '../../../protocol/failures.ts'
import { cortexAtGateway } from '../support/cortex.ts'
import { PROVIDER } from '../support/test-node.ts'

describe('cortex job get, logs, cancel and so on', () => {
  const at = cortexAtGateway('by environment')
  const submit = async (...args: string[]) => await at.ok('job', 'submit', ...args)

  it('shows a job, its bids and its events', async () => {
    const id = await submit('busybox')
    await at.gateway.play.start(id)
    await at.gateway.play.complete(id)
    const shown = await at.ok('job', 'get', id)
    assert.match(shown, /^status\s+completed$/m)
    assert.match(shown, new RegExp(`^provider\\s+${PROVIDER}$`, 'm'))
    assert.match(shown, /^exit code\s+0$/m)
    assert.equal(JSON.parse(await at.ok('job', 'get', id, '--json', '--debug')).debug.attempt, 1)
    assert.match(
      await at.ok('job', 'events', id),
      /1 {2}created.*\n.*2 {2}scheduled.*\n.*3 {2}started.*\n.*4 {2}completed/,
    )
    assert.equal((await at.cortex.run(['job', 'bids', id])).err, 'none\n')
  })

  it('says why nobody takes a job, and what would help', async () => {
    const id = await submit('busybox')
    assert.match(await at.ok('job', 'why', id), /^attic +yes +\$0\.01\/h/m)
    const nearest = failure('NO_PROVIDER', 'Nobody took it', { reason: 'declined' })
    at.gateway.market.quoted = { quotes: [], nearest, helps: [{ text: 'Ask any provider', changes: {} }] }
    at.gateway.market.waiting = { leftMs: 60_000, answered: 2, nearest }
    const { err } = await at.cortex.run(['job', 'why', id])
    assert.match(err, /Nobody took it\. Relax the constraints.*\nit would be taken: Ask any provider\n$/)
    assert.match(await at.ok('job', 'get', id), /^waits +Nobody took it\. .*\(2 answered\)\ngives up +in /m)
    at.gateway.market.waiting = null
  })

  it('entry 17: shows what others wrote with controls written out, and a log as it is', async () => {
    const words = ['\u001b[2J', 'a\nstatus  completed', '\u009b31m', '\u202efdp', '\u001b]0;t\u0007']
    const id = await submit('busybox', '--', ...words)
    await at.gateway.play.start(id)
    await at.gateway.play.log(id, '\u001b[31mred')
    await at.gateway.play.complete(id)
    const shown = await at.ok('job', 'get', id)
    assert.match(shown, /^command +\\x1b\[2J a\\nstatus {2}completed \\x9b31m \\u202efdp \\x1b\]0;t\\x07$/m)
    for (const args of [['get', id], ['get', id, '--json'], ['list'], ['list', '--json'], ['events', id]]) {
      assert.match(await at.ok('job', ...args), /^[^\p{Cc}\u202e]*(\n[^\p{Cc}\u202e]*)*$/u, args.join(' '))
    }
    assert.deepEqual(JSON.parse(await at.ok('job', 'get', id, '--json')).args, words)
    assert.equal(await at.ok('job', 'logs', id), '\u001b[31mred')
  })

  it('follows the log to the end of the job, each stream to its own', async () => {
    const id = await submit('busybox')
    await at.gateway.play.start(id)
    await at.gateway.play.log(id, 'one', 'two')
    const following = at.cortex.run(['job', 'logs', '-f', id])
    while (!at.gateway.requests.some((request) => request.includes(`${id}/logs`))) await new Promise(setImmediate)
    at.gateway.cut()
    await at.gateway.play.log(id, 'three')
    await at.gateway.play.complete(id)
    assert.deepEqual(await following, { code: 0, out: 'one\ntwo\nthree\n', err: '' })
    assert.equal(await at.ok('job', 'logs', '--tail', '1', id), 'three')
    assert.equal(JSON.parse(await at.ok('job', 'logs', '--tail', '1', '--json', id)).line, 'three')
  })

  it('logs and wait say that some of the output is missing, and exit with 125 in place of 0', async () => {
    const missing = 'its provider could not carry 7 lines'
    const id = await submit('busybox')
    await at.gateway.play.start(id)
    await at.gateway.play.log(id, 'one')
    await at.gateway.play.complete(id, {}, missing)
    for (const [args, out, err] of [
      [['logs', id], 'one\n', `${missing}\n`],
      [['logs', '-f', id], 'one\n', `${missing}\n`],
      [['wait', id], '', `completed\n${missing}\n`],
    ] as const) {
      assert.deepEqual(await at.cortex.run(['job', ...args]), { code: 125, out, err }, args.join(' '))
    }
    for (const args of [
      ['logs', '--json', id],
      ['wait', '--json', id],
    ]) {
      assert.equal((await at.cortex.run(['job', ...args])).code, 125, args.join(' '))
    }
  })

  it('entry 39: writes the bytes that the container wrote, and flags in JSON where they are no text', async () => {
    const id = await submit('busybox')
    await at.gateway.play.start(id)
    await at.gateway.play.output(
      id,
      { line: '', base64: '/w0=', partial: false },
      { line: 'half a ', partial: true },
      { line: 'line\r', partial: false },
      { line: 'no newline', partial: true },
    )
    await at.gateway.play.complete(id)
    const { out } = await at.cortex.run(['job', 'logs', id], { encoding: 'latin1' })
    assert.equal(out, '\xff\r\nhalf a line\r\nno newline')
    const json = (await at.ok('job', 'logs', '--json', id)).split('\n').map((text) => JSON.parse(text))
    assert.deepEqual(
      json.map(({ timestamp: _, number: __, ...line }) => line),
      [
        { line: '\ufffd\r', stream: 'stdout', base64: '/w0=' },
        { line: 'half a ', stream: 'stdout', partial: true },
        { line: 'line\r', stream: 'stdout' },
        { line: 'no newline', stream: 'stdout', partial: true },
      ],
    )
    const stamped = await at.ok('job', 'logs', '-t', '--tail', '3', id)
    assert.equal(stamped, `${json[1].timestamp} half a line\r\n${json[3].timestamp} no newline`)
  })

  it('changes a waiting job by every flag that there is for it', async () => {
    const id = await submit('--cpu', '100', 'busybox')
    const flags = {
      ...{ name: 'other', label: 'of=update', cpu: '0.5', memory: '64Mi', storage: '2Gi', duration: '10m' },
      ...{ platform: 'linux/arm64', isolation: 'gvisor', 'queue-timeout': '10m', strategy: 'performance' },
      ...{ gpu: '2', 'gpu-model': 'h100', 'gpu-vram': '24Gi', 'gpu-vendor': 'nvidia', 'gpu-compute': '9.0' },
      ...{ 'gpu-cuda': '12.4', 'gpu-interconnect': 'nvlink', 'max-price': '0.2', provider: 'p2p' },
      ...{ 'min-cpu-score': '10', 'min-cpu-all-score': '20', 'min-memory-bandwidth': '1Gi' },
      ...{ 'min-disk-read': '1Mi', 'min-disk-write': '1Mi', 'min-iops': '5' },
    }
    const words = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value])
    const help = await at.ok('job', 'update', '--help')
    const offered = [...help.matchAll(/^\s+(?:-\w, )?--([\w-]+)/gm)].map(([, flag]) => flag)
    const other = ['file', 'gateway', 'key', 'json', 'config', 'help']
    assert.deepEqual(offered.filter((flag) => !other.includes(flag ?? '')).toSorted(), Object.keys(flags).toSorted())
    assert.match(await at.ok('job', 'update', id, ...words), /^job_\w+ is changed: name, cpu, memory,/)
    const job = await at.gateway.store.get(id)
    assert.deepEqual(
      [job?.spec.name, job?.spec.cpu, job?.spec.memory, job?.spec.gpuRequirements?.models, job?.spec.maxPrice],
      ['other', 500, '64Mi', ['h100'], '0.2'],
    )
    const nothing = await at.cortex.run(['job', 'update', id])
    assert.deepEqual([nothing.code, nothing.err], [1, 'cortex: Say what is to change, e.g. --memory 1Gi\n'])
    await at.gateway.play.start(id)
    const late = await at.cortex.run(['job', 'update', id, '--memory', '1Gi'])
    assert.match(late.err, /pending/)
  })

  it('cancels, extends and submits again', async () => {
    const [first, second] = [await submit('--cpu', '100', 'busybox'), await submit('busybox')]
    const cancelled = await at.cortex.run(['job', 'cancel', 'job_000000000000', first, second])
    assert.equal(cancelled.out, `${first} cancelling\n${second} cancelling\n`, 'one that is not there keeps no other')
    assert.equal(cancelled.code, 1)
    assert.match(cancelled.err, /^cortex: No job is called job_000000000000, and no job's id begins so[^\n]*\n$/)
    const again = await at.ok('job', 'resubmit', first, '--memory', '1Gi')
    const job = await at.gateway.store.get(again)
    assert.deepEqual([job?.spec.cpu, job?.spec.memory, job?.origin.resubmittedFrom], [100, '1Gi', first])
    await at.gateway.play.start(again)
    const words = /^With 1 min more it ends .* at the latest and costs at most \$[\d.]+ more, \$[\d.]+ in all\.$/
    assert.match(await at.ok('job', 'extend', again, '60', '--dry-run'), words)
    assert.equal(await at.ok('job', 'extend', again, '60'), `${again} may run 3660 s`)
  })

  it('adds up what jobs cost, and says what the month is expected to', async () => {
    await at.gateway.play.start(await submit('busybox'))
    const { out, err } = await at.cortex.run(['costs', '--by', 'label.team', '--period', '7d', '--timezone', 'UTC'])
    assert.match(out, /^LABEL\.TEAM +JOBS +SPENT +OF IT JOBS +OF IT VOLUMES +RUNNING +AT MOST\nnone +\d+ +\$/)
    assert.match(err, /^This month \$[\d.]+ was spent so far\. What it comes to is not foreseen/)
    const json = JSON.parse(await at.ok('costs', '--json'))
    assert.deepEqual([json.groupBy, json.forecast.basis.days], ['day', 0])
    assert.match(
      (await at.cortex.run(['costs', '--by', 'colour'])).err,
      /Write day, provider, or a label as label\.KEY/,
    )
  })
})

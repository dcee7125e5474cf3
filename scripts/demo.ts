/**
 * `npm run demo`: a gateway and two agents as separate processes on this machine, one job that works and one that fails,
 * followed from bids to cost. `npm run demo -- --keep` leaves the network up and says how to reach it, `--open` opens its
 * dashboard in the browser, signed in.
 */

import { once } from 'node:events'
import { styleText } from 'node:util'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import Docker from 'dockerode'
import { openInBrowser } from '../node/commands/open-in-browser.ts'
import { onStop, watchOutput } from '../node/commands/stopping.ts'
import { type DemoApi, type DemoJob, openApi } from './demo/api.ts'
import { ensureEngine } from './engine.ts'
import { ensureBusyboxImage } from './image.ts'
import { type LocalNetwork, startLocalNetwork } from './local-network.ts'

const WORKS =
  'echo "computing on $(hostname)"; i=1; while [ $i -le 4 ]; do n=$((i*100000)); s=0; while [ $n -gt $((i*100000-20000)) ]; do s=$((s+n)); n=$((n-1)); done; echo "step $i of 4: sum $s"; i=$((i+1)); sleep 0.5; done; echo done'
const FAILS = 'echo "reading /data/input.csv"; cat /data/input.csv; exit 3'

async function main(signal: AbortSignal): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const { url, key, processes } = await demonstrate(stack, signal)
  const opens = process.argv.includes('--open')
  if (opens || process.argv.includes('--keep')) {
    title('Kept up until Ctrl-C')
    const link = signInLink(processes[0]?.output() ?? '')
    say(`sign in    ${link}  (once, within ten minutes of its start)`)
    if (opens) openInBrowser(link)
    say(`API        ${url}/api/plugin-core/jobs`)
    say(`explorer   ${url}/api/explorer`)
    say(`key        ${key}`)
    say(`try        curl -H 'Authorization: Bearer ${key}' ${url}/api/plugin-core/providers`)
    // The way this is meant to end.
    await once(signal, 'abort')
  }
  title('Cleaning up')
  await stack.disposeAsync()
  say('stopped everything that the demo started')
}

/** As the gateway printed it when it started. */
function signInLink(output: string): string {
  const [, link] = /^sign in +(\S+)/m.exec(output) ?? []
  if (link === undefined) throw new Error(`the gateway printed no sign-in link:\n${output}`)
  return link
}

/** What is started here is on the stack before the signal is looked at, so that nothing of it stays. */
async function demonstrate(stack: AsyncDisposableStack, signal: AbortSignal): Promise<LocalNetwork> {
  title('Preparing')
  const engine = await ensureEngine({ report: say })
  stack.defer(async () => await engine.stop())
  signal.throwIfAborted()
  const image = await ensureBusyboxImage(new Docker({ socketPath: engine.socketPath }), say)
  signal.throwIfAborted()
  say(`engine ${engine.socketPath}, image ${image}`)
  const machine = ['--cpu', '1000', '--memory', '1Gi', '--storage', '4Gi', '--stop-jobs']
  const network = await startLocalNetwork({
    dockerHost: `unix://${engine.socketPath}`,
    isPassing: true,
    agents: [
      { name: 'thrifty', flags: ['--price-cpu', '0.008', ...machine] },
      { name: 'steady', flags: ['--price-cpu', '0.012', ...machine] },
    ],
    report: say,
  })
  stack.defer(async () => await network.stop())
  signal.throwIfAborted()
  const api = openApi(network.url, network.key, signal)
  await providersOnline(api, 2)
  const common = { image, command: ['sh', '-c'], cpu: 250, memory: '64Mi', storage: '64Mi', duration: 60 }

  title('A job that works')
  expectStatus(await show(api, { ...common, args: [WORKS] }), 'completed')
  title('A job that fails')
  expectStatus(await show(api, { ...common, args: [FAILS] }), 'failed')

  return network
}

function expectStatus(job: DemoJob, status: string): void {
  if (job.status !== status) throw new Error(`${job.id} should be ${status} and is ${job.status}`)
}

/** Submits a job and prints its bids, states and output as they come, then what it cost and why it failed. */
async function show(api: DemoApi, submission: object): Promise<DemoJob> {
  const submitted = performance.now()
  const at = (): string => styleText('dim', `${((performance.now() - submitted) / 1000).toFixed(2).padStart(6)} s`)
  const { id } = await api.submit(submission)
  say(`${at()}  pending    ${id}`)
  const logs = api.logs(id, (line) => say(`${at()}  ${styleText('cyan', '|')} ${line}`))
  const events = api.events(id, async ({ type, provider }) => {
    if (type === 'scheduled') {
      for (const bid of await api.bids(id)) say(`          bid  ${bid.name}, ${bid.outcome}: ${bid.reason}`)
      say(`${at()}  scheduled  on ${provider}`)
    } else if (type === 'started') say(`${at()}  running`)
    else if (['completed', 'failed', 'cancelled', 'lost'].includes(type)) say(`${at()}  ${type}`)
  })
  await Promise.all([logs, events])
  const job = await api.job(id)
  const ran = job.startedAt === null ? 0 : Date.parse(job.endedAt ?? '') - Date.parse(job.startedAt)
  const cost = (job.cost.final ?? job.cost.current).toFixed(9)
  say(`           cost       $${cost} for ${(ran / 1000).toFixed(1)} s, exit code ${job.results.exitCode}`)
  if (job.error !== null) {
    say(`           failure    ${job.error.code}: ${job.error.message}`)
    say(`           remedy     ${job.error.remedy}`)
  }
  return job
}

/** Longest that agents may take to be heard of, in ms: a guard, which a busy machine keeps. */
const ONLINE_MS = 300_000

async function providersOnline(api: DemoApi, count: number): Promise<void> {
  const deadline = performance.now() + ONLINE_MS
  while (performance.now() < deadline) {
    const online = await api.providers()
    if (online.length >= count) {
      for (const { name, price } of online) say(`provider ${name}: $${price} per core-hour`)
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`the two agents did not come online within ${ONLINE_MS / 1000} s`)
}

function title(text: string): void {
  process.stdout.write(`\n${styleText('bold', text)}\n`)
}

function say(text: string): void {
  process.stdout.write(`  ${text}\n`)
}

const interrupted = new AbortController()
watchOutput()
onStop((reason) => interrupted.abort(new Error(reason)))

try {
  await main(interrupted.signal)
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

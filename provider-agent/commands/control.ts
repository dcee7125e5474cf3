import { Command } from 'commander'
import { dataOption, partFolder, wholeNumber } from '../../node/commands/options.ts'
import type { CheckView, EarningsView, JobView, StateView, StoppedView } from '../control/views.ts'

interface ControlOptions {
  data: string
  json?: true
}

/** `cortex agent check · drain · resume · stop · earnings · jobs`: of the agent that runs on the same `--data`. */
export function addControlCommands(agent: Command): void {
  agent.addCommand(
    controlCommand('check', 'would it win a typical job now, and if not, why; exits with 1 then').action(
      async (options: ControlOptions) => {
        const { showCheck } = await import('./control-output.ts')
        const answer = await ask<CheckView>(options, 'GET /check')
        showCheck(answer, options)
        if (!answer.wouldWin) process.exitCode = 1
      },
    ),
  )
  agent.addCommand(
    controlCommand('drain', 'finish what runs and take nothing new, also after a restart').action(
      async (options: ControlOptions) => await changeState(options, 'POST /drain'),
    ),
  )
  agent.addCommand(
    controlCommand('resume', 'take jobs again').action(
      async (options: ControlOptions) => await changeState(options, 'POST /resume'),
    ),
  )
  agent.addCommand(
    controlCommand('stop', 'end a job that runs here; its requester pays what it used and looks elsewhere', {
      example: "job_01kb2x3y4z --reason 'the machine is needed'",
    })
      .argument('<job>', 'as cortex agent jobs shows it')
      .option('--reason <text>', 'why, for its requester: one line of at most 200 characters', '')
      .action(async (job: string, options: ControlOptions & { reason: string }) => {
        const { showStopped } = await import('./control-output.ts')
        const query = new URLSearchParams({ job, reason: options.reason })
        showStopped(await ask<StoppedView>(options, `POST /stop?${query}`), options)
      }),
  )
  agent.addCommand(
    controlCommand('jobs', 'what it runs, and for whom').action(async (options: ControlOptions) => {
      const { showJobs } = await import('./control-output.ts')
      showJobs(await ask<JobView[]>(options, 'GET /jobs'), options)
    }),
  )
  agent.addCommand(
    controlCommand('earnings', 'what its receipts add up to, by day and by requester', { example: '--days 7' })
      .option('--days <count>', 'so far back', wholeNumber(1, 3_650), 30)
      .action(async (options: ControlOptions & { days: number }) => {
        const { showEarnings } = await import('./control-output.ts')
        showEarnings(await ask<EarningsView>(options, `GET /earnings?days=${options.days}`), options)
      }),
  )
}

function controlCommand(name: string, description: string, { example = '' } = {}): Command {
  return new Command(name)
    .description(description)
    .addOption(dataOption())
    .option('--json', 'as JSON')
    .addHelpText('after', `\nExample:\n  $ cortex agent ${name}${example === '' ? '' : ` ${example}`}`)
}

async function ask<T>(options: ControlOptions, call: string): Promise<T> {
  const { askPart } = await import('../../node/control/client.ts')
  return await askPart<T>({ part: 'agent', dataFolder: partFolder(options, 'agent') }, call)
}

async function changeState(options: ControlOptions, call: 'POST /drain' | 'POST /resume'): Promise<void> {
  const { showState } = await import('./control-output.ts')
  showState(await ask<StateView>(options, call), options)
}

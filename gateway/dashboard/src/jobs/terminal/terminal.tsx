import '@xterm/xterm/css/xterm.css'
import '../../styles/terminal.css'
import { Button, TextInput } from '@mantine/core'
import { useRef, useState } from 'react'
import type { Job } from '../../../../client/index.ts'
import { useMay } from '../../app/session.ts'
import { Empty } from '../../ui/empty.tsx'
import { Icon } from '../../ui/icons.tsx'
import { wordsOf } from '../form/words.ts'
import { type TerminalState, useTerminal } from './use-terminal.ts'

/** A command in the running container, with a terminal. */
export function Terminal({ job }: { job: Job }) {
  const mayWrite = useMay('jobs:write')
  // What was written stays in sight when the job ends.
  const [isUsed, setUsed] = useState(false)
  if (!mayWrite) {
    return (
      <Empty icon="terminal" title="Your key may not do this">
        A terminal changes what runs in the container, so it takes a key with <code className="mono">jobs:write</code>.
      </Empty>
    )
  }
  if (job.status !== 'running' && !isUsed) {
    return (
      <Empty icon="terminal" title="The container does not run">
        A terminal opens in a container while it runs. What it wrote is under Logs.
      </Empty>
    )
  }
  return <OpenTerminal jobId={job.id} isRunning={job.status === 'running'} onUse={() => setUsed(true)} />
}

function OpenTerminal({ jobId, isRunning, onUse }: { jobId: string; isRunning: boolean; onUse(): void }) {
  const place = useRef<HTMLDivElement>(null)
  const [line, setLine] = useState('sh')
  const { state, start, stop } = useTerminal(jobId, place)
  const isBusy = state.type === 'connecting' || state.type === 'open'
  const command = wordsOf(line)
  return (
    <div className="terminal">
      <form
        className="terminal-tools"
        onSubmit={(event) => {
          event.preventDefault()
          onUse()
          void start(command)
        }}
      >
        <TextInput
          aria-label="Command to run"
          value={line}
          onChange={(event) => setLine(event.currentTarget.value)}
          readOnly={isBusy}
          spellCheck={false}
          autoComplete="off"
          classNames={{ input: 'mono' }}
          className="terminal-command"
        />
        {/* Two buttons, not one that changes: it would submit the form by the very click that disconnects. */}
        {isBusy ? (
          <Button key="stop" variant="default" onClick={stop} disabled={state.type !== 'open'}>
            Disconnect
          </Button>
        ) : (
          <Button
            key="start"
            type="submit"
            leftSection={<Icon name="terminal" size={16} />}
            disabled={!isRunning || command.length === 0}
          >
            {state.type === 'idle' ? 'Open Terminal' : 'Open again'}
          </Button>
        )}
        <span className="terminal-state" data-state={state.type} role="status">
          {wordOf(state, isRunning)}
        </span>
      </form>
      <div className="terminal-frame" data-idle={state.type === 'idle' || undefined}>
        <div ref={place} className="terminal-screen" />
      </div>
      <p className="terminal-foot" id="terminal-way-out">
        All keys go to the command, Tab too. <kbd>Shift</kbd> + <kbd>Tab</kbd> leaves the terminal.
      </p>
    </div>
  )
}

function wordOf(state: TerminalState, isRunning: boolean): string {
  switch (state.type) {
    case 'idle':
      return isRunning ? 'Runs as the container’s user, until you disconnect' : 'The job has ended'
    case 'connecting':
      return 'Connecting …'
    case 'open':
      return 'Connected'
    case 'exited':
      return `The command ended with exit code ${state.exitCode}`
    case 'refused':
      return state.message
    case 'lost':
      return isRunning
        ? 'The connection was lost: the command may still run'
        : 'The job has ended, and the command with it'
    case 'closed':
      return 'Disconnected'
  }
}

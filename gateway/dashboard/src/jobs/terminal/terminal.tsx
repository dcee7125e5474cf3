import '@xterm/xterm/css/xterm.css'
import '../../styles/terminal.css'
import { Button, TextInput } from '@mantine/core'
import { useRef, useState } from 'react'
import type { Job } from '../../../../client/index.ts'
import { useMay } from '../../app/session.ts'
import { Empty } from '../../ui/empty.tsx'
import { Icon } from '../../ui/icons.tsx'
import { wordsOf } from '../form/words.ts'
import { hasTerminal, type TerminalState } from './kept-terminal.ts'
import { useTerminal } from './use-terminal.ts'

/** A command in the running container, with a terminal. */
export function Terminal({ job }: { job: Job }) {
  const mayWrite = useMay('jobs:write')
  if (!mayWrite) {
    return (
      <Empty icon="terminal" title="Your key may not do this">
        A terminal changes what runs in the container, so it takes a key with <code className="mono">jobs:write</code>.
      </Empty>
    )
  }
  // What was written stays in sight when the job ends.
  if (job.status !== 'running' && !hasTerminal(job.id)) {
    return (
      <Empty icon="terminal" title="The container does not run">
        A terminal opens in a container while it runs. What it wrote is under Logs.
      </Empty>
    )
  }
  return <OpenTerminal key={job.id} jobId={job.id} isRunning={job.status === 'running'} />
}

function OpenTerminal({ jobId, isRunning }: { jobId: string; isRunning: boolean }) {
  const place = useRef<HTMLDivElement>(null)
  const { terminal, state } = useTerminal(jobId, place)
  const [line, setLine] = useState(terminal.line)
  const isBusy = state.type === 'connecting' || state.type === 'open'
  const command = wordsOf(line)
  return (
    <div className="terminal">
      <form
        className="terminal-tools"
        onSubmit={(event) => {
          event.preventDefault()
          void terminal.start(command)
        }}
      >
        <TextInput
          aria-label="Command to run"
          value={line}
          onChange={(event) => {
            terminal.line = event.currentTarget.value
            setLine(terminal.line)
          }}
          readOnly={isBusy}
          spellCheck={false}
          autoComplete="off"
          classNames={{ input: 'mono' }}
          className="terminal-command"
        />
        {/* Two buttons, not one that changes: it would submit the form by the very click that disconnects. */}
        {isBusy ? (
          <Button key="stop" variant="default" onClick={terminal.stop} disabled={state.type !== 'open'}>
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
    case 'taken':
      return 'Another tab goes on with the command'
    case 'closed':
      return 'Disconnected'
  }
}

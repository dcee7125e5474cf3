import { ActionIcon, Button, Checkbox, Group, Select, TextInput, Tooltip } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useState } from 'react'
import { number } from '../../format/amounts.ts'
import { Icon } from '../../ui/icons.tsx'
import { LINE_TIMES, type LineTime, TIME_WORDS } from './line-time.ts'
import type { LogExtent, LogView } from './protocol.ts'

/** How lines look, whichever they are; this browser keeps it. */
export interface LogLook {
  times: LineTime
  /** Whether a line that is wider than the page goes on below. */
  isWrapped: boolean
}

interface LogToolsProps {
  view: LogView
  onView(view: LogView): void
  extent: LogExtent
  /** The how manieth match is shown; 0 for none. */
  match: number
  onSeek(isForward: boolean): void
  look: LogLook
  onLook(look: LogLook): void
  isFollowing: boolean
  onFollow(isFollowing: boolean): void
  isFull: boolean
  onFull(isFull: boolean): void
  /** Leads to the line that says why the job failed; absent where it did not. */
  onFailure: (() => void) | undefined
  onSave(): void
}

/** How the log is searched, narrowed down, followed and saved. */
export function LogTools(props: LogToolsProps) {
  const { view, onView, extent, look, onLook } = props
  const { isFollowing, onFollow, isFull, onFull, onFailure, onSave } = props
  return (
    <Group gap="xs" className="log-tools">
      <Search {...props} />
      <Select
        aria-label="Stream"
        size="sm"
        data={[
          { value: 'all', label: 'Both streams' },
          { value: 'stdout', label: 'stdout' },
          { value: 'stderr', label: 'stderr' },
        ]}
        value={view.stream}
        allowDeselect={false}
        onChange={(stream) => onView({ ...view, stream: stream as LogView['stream'] })}
        w={148}
      />
      {(extent.attempts.length > 1 || view.attempt !== null) && (
        <Select
          aria-label="Attempt"
          size="sm"
          data={[
            { value: 'all', label: 'All attempts' },
            ...extent.attempts.map((attempt) => ({ value: String(attempt), label: `Attempt ${attempt}` })),
          ]}
          value={String(view.attempt ?? 'all')}
          allowDeselect={false}
          onChange={(attempt) => onView({ ...view, attempt: attempt === 'all' ? null : Number(attempt) })}
          w={136}
        />
      )}
      <Select
        aria-label="Times"
        size="sm"
        data={LINE_TIMES.map((value) => ({ value, label: TIME_WORDS[value] }))}
        value={look.times}
        allowDeselect={false}
        onChange={(times) => onLook({ ...look, times: times as LineTime })}
        w={168}
      />
      <Checkbox
        size="sm"
        label="Wrap"
        checked={look.isWrapped}
        onChange={(event) => onLook({ ...look, isWrapped: event.currentTarget.checked })}
      />
      <Group gap="xs" ml="auto">
        {onFailure && (
          <Button size="sm" variant="default" onClick={onFailure}>
            To the failure
          </Button>
        )}
        <Button
          size="sm"
          variant="default"
          leftSection={<Icon name={isFollowing ? 'pause' : 'play'} size={14} />}
          onClick={() => onFollow(!isFollowing)}
          aria-pressed={isFollowing}
        >
          {isFollowing ? 'Pause' : 'Follow'}
        </Button>
        <Button size="sm" variant="default" leftSection={<Icon name="download" size={14} />} onClick={onSave}>
          Download
        </Button>
        <Tooltip label={isFull ? 'Leave full screen' : 'Full screen'}>
          <ActionIcon
            size={36}
            variant="default"
            aria-label="Full screen"
            aria-pressed={isFull}
            onClick={() => onFull(!isFull)}
          >
            <Icon name={isFull ? 'shrink' : 'expand'} size={16} />
          </ActionIcon>
        </Tooltip>
      </Group>
    </Group>
  )
}

function Search({ view, onView, extent: { matches }, match, onSeek }: LogToolsProps) {
  const [text, setText] = useState(view.search)
  const search = useDebouncedCallback((value: string) => onView({ ...view, search: value }), 250)

  // The address may have changed by itself, as with the browser's way back.
  useEffect(() => setText(view.search), [view.search])

  return (
    <>
      <TextInput
        aria-label="Search the log"
        placeholder="Search"
        size="sm"
        leftSection={<Icon name="search" size={16} />}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value)
          search(event.currentTarget.value)
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onSeek(!event.shiftKey)
        }}
        className="log-search"
        data-search
      />
      {view.search !== '' && (
        <>
          <Group gap={4} wrap="nowrap">
            <span className="log-count" role="status">
              {match > 0 ? `${number(match)} of ${number(matches)}` : number(matches)}
              {match === 0 && (matches === 1 ? ' match' : ' matches')}
            </span>
            <ActionIcon
              variant="default"
              aria-label="Previous match"
              onClick={() => onSeek(false)}
              disabled={matches === 0}
            >
              <Icon name="up" size={16} />
            </ActionIcon>
            <ActionIcon variant="default" aria-label="Next match" onClick={() => onSeek(true)} disabled={matches === 0}>
              <Icon name="down" size={16} />
            </ActionIcon>
          </Group>
          <Checkbox
            size="sm"
            label="Only matches"
            checked={view.onlyMatches}
            onChange={(event) => onView({ ...view, onlyMatches: event.currentTarget.checked })}
          />
        </>
      )}
    </>
  )
}

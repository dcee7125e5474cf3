import { ActionIcon, Button, Checkbox, Group, Select, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useState } from 'react'
import { number } from '../../format/amounts.ts'
import { Icon } from '../../ui/icons.tsx'
import type { LogExtent, LogView } from './protocol.ts'

interface LogToolsProps {
  view: LogView
  onView(view: LogView): void
  extent: LogExtent
  withTimes: boolean
  onTimes(withTimes: boolean): void
  isWrapped: boolean
  onWrap(isWrapped: boolean): void
  isFollowing: boolean
  onFollow(isFollowing: boolean): void
  onSeek(isForward: boolean): void
  onSave(): void
}

/** How the log is searched, narrowed down, followed and saved. */
export function LogTools(props: LogToolsProps) {
  const { view, onView, extent, withTimes, onTimes, isWrapped, onWrap } = props
  const { isFollowing, onFollow, onSeek, onSave } = props
  const [text, setText] = useState(view.search)
  const search = useDebouncedCallback((value: string) => onView({ ...view, search: value }), 250)
  return (
    <Group gap="xs" className="log-tools">
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
      />
      {view.search !== '' && (
        <Group gap={4} wrap="nowrap">
          <span className="log-count" role="status">
            {number(extent.matches)} {extent.matches === 1 ? 'match' : 'matches'}
          </span>
          <ActionIcon
            variant="default"
            aria-label="Previous match"
            onClick={() => onSeek(false)}
            disabled={extent.matches === 0}
          >
            <Icon name="up" size={16} />
          </ActionIcon>
          <ActionIcon
            variant="default"
            aria-label="Next match"
            onClick={() => onSeek(true)}
            disabled={extent.matches === 0}
          >
            <Icon name="down" size={16} />
          </ActionIcon>
        </Group>
      )}
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
        w={140}
      />
      {view.search !== '' && (
        <Checkbox
          size="sm"
          label="Only matches"
          checked={view.onlyMatches}
          onChange={(event) => onView({ ...view, onlyMatches: event.currentTarget.checked })}
        />
      )}
      <Checkbox
        size="sm"
        label="Timestamps"
        checked={withTimes}
        onChange={(event) => onTimes(event.currentTarget.checked)}
      />
      <Checkbox size="sm" label="Wrap" checked={isWrapped} onChange={(event) => onWrap(event.currentTarget.checked)} />
      <Group gap="xs" ml="auto">
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
      </Group>
    </Group>
  )
}

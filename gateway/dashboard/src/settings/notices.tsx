import { Radio, Stack, Switch, Text } from '@mantine/core'
import { useState } from 'react'
import { type NoticeSettings, readNotices, writeNotices } from '../app/job-notices.ts'
import { Card } from '../ui/card.tsx'

/** What this browser tells its user of by itself. */
export function Notices() {
  const [settings, setSettings] = useState(readNotices)
  const isDenied = typeof Notification === 'undefined' || Notification.permission === 'denied'

  function change(part: Partial<NoticeSettings>): void {
    const next = { ...settings, ...part }
    setSettings(next)
    writeNotices(next)
  }

  async function onDesktop(isOn: boolean): Promise<void> {
    const isAllowed = isOn && (await Notification.requestPermission()) === 'granted'
    change({ onDesktop: isAllowed })
  }

  return (
    <Card title="Notifications">
      <Stack maw={520}>
        <Text size="sm" c="dimmed">
          For this browser. To be told elsewhere, create a webhook.
        </Text>
        <Radio.Group
          label="In this page, when a job ends"
          value={settings.inPage}
          onChange={(value) => change({ inPage: value as NoticeSettings['inPage'] })}
        >
          <Stack gap={8} mt={8}>
            <Radio value="all" label="However it ended" />
            <Radio value="failed" label="Where it failed" />
            <Radio value="none" label="Never" />
          </Stack>
        </Radio.Group>
        <Switch
          label="By the browser, while this page is in the background"
          description={
            isDenied ? 'The browser forbids it: allow notifications in its settings for this page.' : undefined
          }
          checked={settings.onDesktop}
          disabled={isDenied}
          onChange={(event) => void onDesktop(event.currentTarget.checked)}
        />
      </Stack>
    </Card>
  )
}

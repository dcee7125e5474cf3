import { Checkbox, Modal, Stack, Title } from '@mantine/core'
import { KEYS, type KeyUse, useSingleKeys } from './keys.ts'

/** All keys, and whether single ones do something. */
export function KeySheet({ onClose }: { onClose(): void }) {
  const [hasSingleKeys, setSingleKeys] = useSingleKeys()
  const groups = Map.groupBy<KeyUse['where'], KeyUse>(Object.values(KEYS), ({ where }) => where)
  return (
    <Modal opened onClose={onClose} title="Keys" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack gap="lg">
        <div className="key-sheet">
          {[...groups].map(([where, uses]) => (
            <section key={where}>
              <Title order={2} size="h6">
                {where}
              </Title>
              <dl>
                {uses.map(({ does, shown }) => (
                  <div key={does}>
                    <dt>{does}</dt>
                    <dd>
                      {shown.map((key) => (
                        <kbd key={key}>{key}</kbd>
                      ))}
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
        </div>
        <Checkbox
          label="Single keys do something"
          description="Those without Ctrl, ⌘ or Shift, outside of fields. Kept in this browser."
          checked={hasSingleKeys}
          onChange={(event) => setSingleKeys(event.currentTarget.checked)}
        />
      </Stack>
    </Modal>
  )
}

import { Combobox, Modal, TextInput, useCombobox } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useEffect, useState } from 'react'
import { Icon } from '../ui/icons.tsx'
import { type Place, usePlaces } from './places.ts'

/** How long one has to stop typing before the gateway is asked, in ms. */
const SEARCH_MS = 150

/** A field that leads to every page, job, template, schedule, volume and provider. */
export function Anything({ onClose, onSheet }: { onClose(): void; onSheet(): void }) {
  const [text, setText] = useState('')
  const [settled] = useDebouncedValue(text, SEARCH_MS)
  const { places, isSearching } = usePlaces(text, settled)
  const combobox = useCombobox({ opened: true })
  const all: Place[] = [...places, { id: 'keys', group: 'Actions', label: 'Keys', icon: 'terminal', go: onSheet }]
  const groups = Map.groupBy(text === '' ? all : places, ({ group }) => group)
  const shown = [...groups.keys()].join()

  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever others are shown
  useEffect(() => {
    combobox.selectFirstOption()
  }, [text, shown, places.length])

  return (
    <Modal.Root opened onClose={onClose} yOffset="10vh">
      <Modal.Overlay />
      <Modal.Content aria-label="Go to anything">
        <Modal.Body p={0}>
          <Combobox
            store={combobox}
            onOptionSubmit={(id) => {
              onClose()
              all.find((place) => place.id === id)?.go()
            }}
          >
            <Combobox.EventsTarget withExpandedAttribute>
              <TextInput
                aria-label="Where to"
                placeholder="A job, a page, a template, a schedule, a volume, a provider"
                leftSection={<Icon name="search" size={16} />}
                size="md"
                variant="unstyled"
                className="anything-field"
                value={text}
                onChange={(event) => setText(event.currentTarget.value)}
                onKeyDown={(event) => {
                  if (event.key === 'Escape') onClose()
                }}
                data-autofocus
              />
            </Combobox.EventsTarget>
            <Combobox.Options aria-label="Places" className="anything-places" tabIndex={0}>
              {[...groups].map(([group, some]) => (
                <Combobox.Group key={group} label={group}>
                  {some.map(({ id, label, hint, icon }) => (
                    <Combobox.Option key={id} value={id} className="anything-place">
                      <Icon name={icon} size={16} />
                      <span className="anything-label">{label}</span>
                      {hint !== undefined && <span className="anything-hint">{hint}</span>}
                    </Combobox.Option>
                  ))}
                </Combobox.Group>
              ))}
              {places.length === 0 && (
                <Combobox.Empty>
                  {isSearching || text !== settled ? 'Searching …' : 'Nothing is called so.'}
                </Combobox.Empty>
              )}
            </Combobox.Options>
          </Combobox>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  )
}

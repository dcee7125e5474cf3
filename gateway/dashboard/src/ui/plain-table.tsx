import { Table } from '@mantine/core'
import type { ReactNode } from 'react'

interface PlainTableProps {
  label: string
  heads: (string | { label: string; isRight?: boolean; isHidden?: boolean })[]
  /** Its rows, as `Table.Tr`. */
  children: ReactNode
}

/** A table that is short enough to be there as a whole; on a narrow screen it scrolls sideways. */
export function PlainTable({ label, heads, children }: PlainTableProps) {
  return (
    <div className="plain-table" tabIndex={0} role="region" aria-label={label}>
      <Table verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            {heads.map((head, place) => {
              const {
                label: text,
                isRight = false,
                isHidden = false,
              } = typeof head === 'string' ? { label: head } : head
              return (
                // biome-ignore lint/suspicious/noArrayIndexKey: two may be called the same, as providers are
                <Table.Th key={place} ta={isRight ? 'right' : 'left'}>
                  {isHidden ? <span className="sr-only">{text}</span> : text}
                </Table.Th>
              )
            })}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </div>
  )
}

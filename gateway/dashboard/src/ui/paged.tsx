import { Button } from '@mantine/core'
import { type QueryKey, useInfiniteQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { CallOptions, Page, Paging } from '../../../client/index.ts'
import { Outline } from './loaded.tsx'
import { Problem } from './problem.tsx'

/** Objects asked for at a time. */
const AT_A_TIME = 50

/** A list that is loaded piece by piece, and anew whenever it is opened. */
export function usePages<T>(key: QueryKey, list: (paging: Paging, options: CallOptions) => Promise<Page<T>>) {
  return useInfiniteQuery({
    queryKey: key,
    queryFn: async ({ pageParam: cursor, signal }) =>
      await list({ limit: AT_A_TIME, ...(cursor === undefined ? {} : { cursor }) }, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ pagination }) => pagination.nextCursor ?? undefined,
    staleTime: 0,
  })
}

interface PagedProps<T> {
  pages: ReturnType<typeof usePages<T>>
  /** In place of no objects at all. @default nothing */
  empty?: ReactNode
  children(items: T[]): ReactNode
}

/** What is loaded of a list so far, and a button for more. */
export function Paged<T>({ pages, empty, children }: PagedProps<T>) {
  const items = pages.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <>
      {pages.isPending && <Outline rows={3} />}
      {pages.isError && <Problem error={pages.error} onRetry={() => void pages.refetch()} />}
      {pages.isSuccess && items.length === 0 && empty}
      {items.length > 0 && children(items)}
      {pages.hasNextPage && (
        <Button
          mt="sm"
          size="xs"
          variant="default"
          onClick={() => void pages.fetchNextPage()}
          loading={pages.isFetchingNextPage}
        >
          Show more
        </Button>
      )}
    </>
  )
}

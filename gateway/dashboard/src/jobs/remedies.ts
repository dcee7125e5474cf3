import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { Job, JobChanges, JobOverrides, Remedy } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { bytes } from '../format/amounts.ts'
import { failed, told } from '../ui/notify.ts'
import { jobKeys } from './queries.ts'

/** What a remedy says as the pages write amounts: `Raise memory to 128 MiB`. */
export function remedyText(text: string): string {
  return text.replaceAll(/\b\d+(?:\.\d+)?(?:Ki|Mi|Gi|Ti)\b/g, (amount) => bytes(amount))
}

/**
 * Takes a remedy up: a job that waits is changed, of one that has ended a new one is made, whose page is opened. Whom a job
 * asks cannot change while it waits: then a new one takes its place.
 */
export function useRemedy({ id, status }: Pick<Job, 'id' | 'status'>) {
  const navigate = useNavigate()
  const mutation = useMutation({
    async mutationFn({ changes }: Remedy) {
      const isWaiting = status === 'pending'
      if (isWaiting && !('provider' in changes)) {
        const changed = await client.jobs.update(id, changes as JobChanges)
        queryClient.setQueryData(jobKeys.one(id), (old: object | undefined) => old && { ...old, ...changed })
        await queryClient.invalidateQueries({ queryKey: jobKeys.why(id) })
        told('Changed; the providers are asked again')
        return
      }
      const next = await client.jobs.resubmit(id, changes as JobOverrides)
      if (isWaiting) await client.jobs.cancel(id)
      told(isWaiting ? 'Submitted again, changed, and the first one cancelled' : 'Submitted again, changed')
      await navigate({ to: '/jobs/$jobId', params: { jobId: next.id } })
    },
    onError: (error) => failed('Could not change it', error),
  })
  return { take: (remedy: Remedy) => mutation.mutate(remedy), isBusy: mutation.isPending }
}

import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { ValidationError } from '../../../client/errors.ts'
import type { Job, JobChanges, JobOverrides, Remedy } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { bytes } from '../format/amounts.ts'
import { failed, told } from '../ui/notify.ts'
import { againForm, beginDraft } from './form/use-draft.ts'
import { jobKeys } from './queries.ts'
import { submissionOf, withChanges } from './submission.ts'

/** What a remedy says as the pages write amounts: `Raise memory to 128 MiB`. */
export function remedyText(text: string): string {
  return text.replaceAll(/\b\d+(?:\.\d+)?(?:Ki|Mi|Gi|Ti)\b/g, (amount) => bytes(amount))
}

/**
 * Takes a remedy up: a job that waits is changed, of one that has ended a new one is made, whose page is opened. Where its secrets
 * do not go along with that, its form is opened with the change made.
 */
export function useRemedy(job: Job) {
  const { id, status } = job
  const navigate = useNavigate()
  const mutation = useMutation({
    async mutationFn({ changes }: Remedy) {
      if (status === 'pending') {
        const changed = await client.jobs.update(id, changes as JobChanges)
        queryClient.setQueryData(jobKeys.one(id), (old: object | undefined) => old && { ...old, ...changed })
        await queryClient.invalidateQueries({ queryKey: jobKeys.why(id) })
        told('Changed; the providers are asked again')
        return
      }
      const next = await client.jobs.resubmit(id, changes as JobOverrides)
      told('Submitted again, changed')
      await navigate({ to: '/jobs/$jobId', params: { jobId: next.id } })
    },
    async onError(error, { changes }) {
      if (!wantsSecrets(error)) return failed('Could not change it', error)
      beginDraft(againForm(id), withChanges(submissionOf(job), changes))
      told(
        status === 'pending'
          ? 'Its secrets stay with what they were given for: give them anew, and cancel the one that waits'
          : 'Its secrets stay with what they were given for: give them anew',
      )
      await navigate({ to: '/jobs/create', search: { job: id } })
    },
  })
  return { take: (remedy: Remedy) => mutation.mutate(remedy), isBusy: mutation.isPending }
}

/** Whether a change was refused because secrets would have to be given anew. */
function wantsSecrets(error: Error): boolean {
  const isSecret = (path: string): boolean => path.startsWith('secrets.') || path === 'registryCredentials'
  return error instanceof ValidationError && error.fields.some(({ path }) => isSecret(path))
}

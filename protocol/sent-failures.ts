/** Why an output did not go where its job said, as `results.sent` has it beside text for people: reasons are only ever added. */

/** What happened, and what to do. The output itself is kept as any other. */
export interface SentFailure {
  cause: string
  remedy: string
}

/** By their reasons. */
export const SENT_FAILURES = {
  'not-read': {
    cause:
      'The container left nothing there, or the provider could not read it, or had no room to write it down first.',
    remedy: 'Look at the path, raise storage, or choose a different provider.',
  },
  'url-refused': {
    cause: 'The server of the URL does not take it.',
    remedy:
      'Check that the URL takes a PUT of that size without any header, and is good until the job has ended: presigned ones are so for some time only.',
  },
  'bucket-not-found': {
    cause: 'There is no such bucket.',
    remedy: 'Check endpoint, region and bucket: names are exact.',
  },
  'bucket-refused': {
    cause: 'The bucket does not let these keys write there.',
    remedy:
      'Check the secrets that accessKeyId and secretAccessKey name, that they may put objects of that name, and that they are good until the job has ended.',
  },
  'bucket-elsewhere': {
    cause: 'The bucket is in another region.',
    remedy: 'Give that region as s3.region.',
  },
  'bucket-not-taken': {
    cause: 'The server of the bucket does not take it.',
    remedy:
      'Check that endpoint is that of an S3 server, what it takes at most, and that it answers without a redirect.',
  },
  'too-many-files': {
    cause: 'It has more files than are sent as objects of their own.',
    remedy: 'Give a key in place of prefix: then it goes as one tar.',
  },
  'keys-lost': {
    cause:
      'The provider’s agent was restarted after the job had begun, and keys are held in memory alone, so that it has none to send with.',
    remedy: 'Fetch the output from where it is kept, or run the job again.',
  },
  'not-allowed': {
    cause: 'It is inside the provider’s network, or has no TLS, and its owner does not allow it.',
    remedy: 'Use https and a public address, or ask the provider’s owner to allow its host: --allow-input-host.',
  },
  unreachable: {
    cause: 'The provider does not reach the server, or not for long enough.',
    remedy: 'Check its host, or fetch the output from where it is kept.',
  },
  'too-slow': {
    cause: 'The server did not take it in time.',
    remedy: 'Send it where more than 1.7 MiB go in a second, or fetch the output from where it is kept.',
  },
  'not-sent': {
    cause: 'The provider could not send it, for a reason of its own.',
    remedy: 'Fetch the output from where it is kept.',
  },
} as const satisfies Record<string, SentFailure>

/** One of {@link SENT_FAILURES}. */
export type SentReason = keyof typeof SENT_FAILURES

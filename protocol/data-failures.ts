/** The rows of `failures.ts` about what jobs bring; what their words mean is said there. */
export const DATA_FAILURES = {
  default: {
    fault: 'place',
    cause: 'What the job brings did not come to the provider in time.',
    remedy: 'Submit the job again, and keep the gateway or the command that submitted it up until the job runs.',
  },
  'upload-gone': {
    fault: 'user',
    cause: 'An upload that the job brings is not there.',
    remedy:
      'Upload it again: an upload is kept for a day after its last use, and while something that will still run names it.',
  },
  'output-gone': {
    fault: 'user',
    cause: 'What another job left, and this one brings, is not there.',
    remedy:
      'Name a job of yours that has ended and whose outputs are kept, and a path in them, or run that job again: outputs are kept for thirty days.',
  },
  'digest-mismatch': {
    fault: 'user',
    cause: 'What the job brings is not what its digest says.',
    remedy: 'Upload it again, for what is kept of it is damaged; of a URL, check sha256 against what is there now.',
  },
  'unsafe-archive': {
    fault: 'user',
    cause: 'An archive that the job brings cannot be unpacked safely.',
    remedy:
      'Make the archive of files, folders and links, with names that stay inside of it: no devices, pipes or sparse files.',
  },
  'larger-than-storage': {
    fault: 'user',
    cause: 'What the job brings to write to, or from URLs, is larger than its storage.',
    remedy: 'Raise storage, or leave out rw where the job only reads.',
  },
  'no-space': {
    fault: 'place',
    cause: 'The provider has no room for what the job brings.',
    remedy: 'Bring less, or choose a different provider.',
  },
  'url-not-given': {
    fault: 'user',
    cause: 'The server of a URL that the job brings does not give it.',
    remedy:
      'Check that the URL alone gives the file to anybody: nothing is sent with it, and a presigned one is good for some time only.',
  },
  'url-not-allowed': {
    fault: 'place',
    cause: 'A URL that the job brings is, or leads, inside the provider’s network, where its owner does not allow it.',
    remedy: 'Use a URL with a public address, or ask the provider’s owner to allow its host: --allow-input-host.',
  },
  'url-unreachable': {
    fault: 'place',
    cause: 'The provider does not reach the server of a URL that the job brings, or not for long enough.',
    remedy: 'Check the host of the URL, or submit the job again when it answers.',
  },
  'url-too-slow': {
    fault: 'place',
    cause: 'The server of a URL that the job brings did not send the file in time.',
    remedy: 'Try again, or put the file where more than 32 KiB come in a second.',
  },
} as const

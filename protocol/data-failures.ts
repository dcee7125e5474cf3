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
    cause: 'An archive or folder that the job brings cannot be unpacked safely.',
    remedy:
      'Make it of files, folders and links, with names that stay inside of it: no devices, pipes or sparse files, and in a bucket no names with empty parts or parts of dots.',
  },
  'larger-than-storage': {
    fault: 'user',
    cause: 'What the job brings to write to, or from elsewhere, is larger than its storage.',
    remedy: 'Raise storage, or leave out rw where the job only reads.',
    change: 'storage',
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
    cause:
      'What the job brings is, or leads, inside the provider’s network, or has no TLS, and its owner does not allow it.',
    remedy:
      'Use a server with a public address and https, or ask the provider’s owner to allow its host: --allow-input-host.',
  },
  'url-unreachable': {
    fault: 'place',
    cause: 'The provider does not reach the server that has what the job brings, or not for long enough.',
    remedy: 'Check its host, or submit the job again when it answers.',
  },
  'url-too-slow': {
    fault: 'place',
    cause: 'The server that has what the job brings did not send it in time.',
    remedy: 'Try again, or put it where more than 32 KiB come in a second.',
  },
  'git-not-found': {
    fault: 'user',
    cause: 'A repository that the job brings, or a branch, tag or commit of it, is not there.',
    remedy:
      'Check its URL and ref: a commit has all of its 40 digits, and some servers give none but those of branches and tags.',
  },
  'git-refused': {
    fault: 'user',
    cause: 'A repository that the job brings does not let everybody, or this token, read it.',
    remedy: 'Check its URL, and give a token that may read it as one of secrets, which git.token names.',
  },
  'git-not-given': {
    fault: 'user',
    cause: 'A repository that the job brings does not give its files, or they cannot be unpacked safely.',
    remedy: 'Check that the URL is what git clones, and that git fsck finds nothing in the commit.',
  },
  'git-submodule': {
    fault: 'user',
    cause: 'A submodule of a repository that the job brings cannot be brought as the commit names it.',
    remedy:
      'Name it in .gitmodules by https://… or relative to the repository, without user and password; or leave submodules out, and bring what is needed as an input of its own.',
  },
  'bucket-not-found': {
    fault: 'user',
    cause: 'A bucket that the job brings something from does not have it.',
    remedy: 'Check endpoint, region, bucket and key: names are exact, and a prefix is a folder, up to a slash.',
  },
  'bucket-refused': {
    fault: 'user',
    cause: 'A bucket that the job brings something from does not let these keys read it.',
    remedy:
      'Check the secrets that accessKeyId and secretAccessKey name, and that they may read the object, and list a prefix.',
  },
  'bucket-elsewhere': {
    fault: 'user',
    cause: 'A bucket that the job brings something from is in another region.',
    remedy: 'Give that region as s3.region.',
  },
  'bucket-changed': {
    fault: 'place',
    cause: 'What the job brings from a bucket changed while it came.',
    remedy: 'Submit the job again once nobody writes there.',
  },
  'bucket-too-many': {
    fault: 'user',
    cause: 'A folder of a bucket that the job brings has too many objects.',
    remedy:
      'Bring at most 100000 with one input: several prefixes below it as several inputs, or one archive of it as a key.',
  },
  'bucket-not-given': {
    fault: 'user',
    cause: 'A bucket that the job brings something from does not give it.',
    remedy: 'Check that endpoint is that of an S3 server, and that it gives the object to these keys at once.',
  },
} as const

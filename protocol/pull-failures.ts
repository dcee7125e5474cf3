/** The rows of `failures.ts` about images; what their words mean is said there. */
export const PULL_FAILURES = {
  default: {
    fault: 'place',
    cause: 'The image could not be pulled, or the provider’s engine could not take it.',
    remedy:
      'Check the image name and tag; for a private registry add registryCredentials; where no provider takes the image, build it again.',
  },
  'not-found': {
    fault: 'user',
    cause: 'The registry does not have the image.',
    remedy: 'Check the image name and tag: the registry does not have it.',
  },
  'repository-not-found': {
    fault: 'user',
    cause: 'The registry has no image of that name, or not for everybody.',
    remedy: 'Check the image name; if the image is private, add registryCredentials.',
  },
  'tag-not-found': {
    fault: 'user',
    cause: 'The registry does not have this version of the image.',
    remedy: 'Check the tag or digest: the registry has the image’s name, and not this version of it.',
  },
  unauthorized: {
    fault: 'user',
    cause: 'The registry does not give the image to these credentials.',
    remedy: 'Add registryCredentials with a user name and password that may read the image.',
  },
  'invalid-reference': {
    fault: 'user',
    cause: 'The image’s name is none.',
    remedy: 'Write the image as [registry/]name[:tag] in lower case.',
  },
  'never-present': {
    fault: 'user',
    // Another may have it.
    elsewhere: true,
    cause: 'The provider does not have the image, and may not pull it.',
    remedy: 'Set imagePullPolicy to IfNotPresent: the provider does not have the image.',
  },
  'rate-limited': {
    fault: 'place',
    cause: 'The registry lets this provider pull no more for now.',
    remedy: 'Add registryCredentials, or try again later: the registry lets this provider pull no more for now.',
  },
  'registry-unreachable': {
    fault: 'place',
    cause: 'The provider does not reach the registry.',
    remedy: 'Check the registry part of the image name, or try again when the registry answers.',
  },
  'wrong-architecture': {
    fault: 'place',
    cause: 'The image is not made for the provider’s processor.',
    remedy: 'Use an image built for the provider’s architecture, or choose another provider.',
  },
  'no-such-platform': {
    fault: 'user',
    cause: 'The image has no version for the platform that the job names.',
    remedy:
      'Build the image for that platform, too, or leave out platform: providers of what the image is for are asked.',
  },
  'no-space': {
    fault: 'place',
    cause: 'The provider has no room for the image.',
    remedy: 'The provider has no room for the image: try a different provider.',
  },
  'registry-not-allowed': {
    fault: 'place',
    cause: 'The registry is, or leads, inside the provider’s network, where its owner does not allow one.',
    remedy: 'Use a registry with a public address, or ask the provider’s owner to allow it: --allow-registry.',
  },
  'registry-too-slow': {
    fault: 'place',
    cause: 'The registry did not send the image in time.',
    remedy: 'Try again, or keep the image in a registry that sends more than 128 KiB/s.',
  },
  'image-too-large': {
    fault: 'place',
    cause: 'The image is larger than the provider takes.',
    remedy: 'Make the image smaller, or choose another provider.',
  },
  'image-bomb': {
    fault: 'user',
    cause: 'The image unpacks to very much more than it is.',
    remedy: 'Make the image without large files of zeros, and with fewer than a million files in a layer.',
  },
  'invalid-image': {
    fault: 'user',
    cause:
      'The image is not as its own digests say, is for no platform at all, or its configuration or a layer is of no form that is taken.',
    remedy: 'Build and push the image again, with layers packed by gzip or zstd and without sparse files.',
  },
} as const

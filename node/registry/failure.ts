/** What an `IMAGE_PULL_ERROR` says in `details.reason`. Append-only: it crosses the wire. */
export type PullFailure =
  /** Name or tag; the registry does not say which. */
  | 'not-found'
  | 'unauthorized'
  /** Not reached, or what it answers makes no sense. */
  | 'registry-unreachable'
  | 'rate-limited'
  | 'wrong-architecture'
  | 'no-space'
  | 'never-present'
  | 'invalid-reference'
  | 'unknown'
  | 'repository-not-found'
  /** The repository is there. */
  | 'tag-not-found'
  /** It, or where it leads, is inside this provider's network. */
  | 'registry-not-allowed'
  /** It sent less than the least rate, or took longer than the deadline. */
  | 'registry-too-slow'
  /** Larger than this provider takes. */
  | 'image-too-large'
  /** Unpacks to so much more than it is that it is no honest image. */
  | 'image-bomb'
  /** Not what its own digests say, or of a form that no engine should be given. */
  | 'invalid-image'
  /** Of what the job names: by its registry, whom the requester asked, or by what the provider found. */
  | 'no-such-platform'

/**
 * A pull that went wrong. The message is for the log of the provider's owner alone: requesters learn the reason, because
 * anything more could say what is inside the provider's network.
 */
export class RegistryFailure extends Error {
  override readonly name = 'RegistryFailure'
  readonly reason: PullFailure

  constructor(reason: PullFailure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** What an error code means on the wire: its HTTP status, a short title, and whether trying again can help. */
export interface ErrorKind {
  readonly status: number;
  readonly title: string;
  /** True when the same request may succeed later, unchanged. */
  readonly retryable?: true;
}

/** The closed list of error codes: the one source of code, HTTP status and title. */
export const errorKinds = {
  // The request could not be read.
  malformed_json: { status: 400, title: 'The body is not valid JSON' },
  invalid_utf8: { status: 400, title: 'The body is not valid UTF-8' },
  duplicate_key: { status: 400, title: 'An object names a key twice' },
  invalid_parameter: { status: 400, title: 'A query parameter is not valid' },
  invalid_query: { status: 400, title: 'The query text is not valid' },
  invalid_cursor: { status: 400, title: 'The cursor is not one that this server gave out' },
  unsupported_media_type: { status: 415, title: 'The content type or encoding is not supported' },
  body_too_large: { status: 413, title: 'The request body is too large' },
  malformed_request: { status: 400, title: 'The request is not valid HTTP' },
  headers_too_large: { status: 431, title: 'The request headers are too large' },
  request_timeout: { status: 408, title: 'The request took too long to arrive', retryable: true },
  // The request was read, and what it says is not acceptable.
  invalid_event: { status: 422, title: 'The event is not valid' },
  invalid_body: { status: 422, title: 'The request body is not valid' },
  entry_too_large: { status: 422, title: 'The event is larger than an entry may be' },
  id_conflict: { status: 409, title: 'This event id is already used for other content' },
  trail_exists: { status: 409, title: 'A trail of this name exists' },
  invalid_rule: { status: 422, title: 'The rule is not valid' },
  rule_untested: { status: 409, title: 'The rule has no passing tests' },
  rule_built_in: { status: 409, title: 'The rule is built in and can only be enabled or disabled' },
  alert_not_open: { status: 409, title: 'The alert is not in a state that allows this' },
  target_refused: { status: 422, title: 'A channel may not lead to this address' },
  too_many_channels: { status: 409, title: 'There are as many channels as there may be' },
  // Records of a source.
  malformed_line: { status: 422, title: 'The line is not one of this source' },
  unknown_record: { status: 422, title: 'The record is not one of this source' },
  invalid_time: { status: 422, title: 'The record has a time that is none' },
  record_too_large: { status: 422, title: 'The record is larger than one may be' },
  // Who is asking.
  unauthenticated: { status: 401, title: 'A valid bearer token is needed' },
  forbidden: { status: 403, title: 'The token does not allow this' },
  // What is asked for.
  not_found: { status: 404, title: 'There is nothing at this address' },
  event_not_found: { status: 404, title: 'No event with this id in this trail' },
  trail_not_found: { status: 404, title: 'No such trail' },
  source_not_found: { status: 404, title: 'No such source' },
  token_not_found: { status: 404, title: 'No such token' },
  alert_not_found: { status: 404, title: 'No such alert' },
  silence_not_found: { status: 404, title: 'No such silence' },
  rule_not_found: { status: 404, title: 'No such rule' },
  channel_not_found: { status: 404, title: 'No such channel' },
  dead_letter_not_found: { status: 404, title: 'No such dead letter in this channel' },
  not_yet_checkpointed: {
    status: 404,
    title: 'The log has not published a checkpoint of that size',
    retryable: true,
  },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  // The server's state.
  overloaded: { status: 503, title: 'The intake queue is full; retry after the time given', retryable: true },
  shutting_down: { status: 503, title: 'The server is shutting down', retryable: true },
  storage_unavailable: { status: 503, title: 'The log cannot be written at the moment', retryable: true },
  index_behind: { status: 503, title: 'The search index has not caught up in time', retryable: true },
  index_unavailable: { status: 503, title: 'The search index cannot be used at the moment', retryable: true },
  detection_unavailable: {
    status: 503,
    title: 'Detection cannot be used at the moment',
    retryable: true,
  },
  too_many_streams: { status: 503, title: 'Too many streams are open', retryable: true },
  internal: { status: 500, title: 'Something went wrong in the server' },
  // Local: the library and the command line.
  recorder_closed: { status: 503, title: 'The recorder is closed and takes no more events' },
  not_delivered: {
    status: 503,
    title: 'The event could not be delivered in the time allowed',
    retryable: true,
  },
  data_folder_locked: { status: 500, title: 'Another process owns the data folder' },
  data_folder_invalid: { status: 500, title: 'The data folder cannot be used' },
  log_behind_published: { status: 500, title: 'The log is older than its last published checkpoint' },
  log_forked: { status: 500, title: 'The log contradicts its last published checkpoint' },
  key_missing: { status: 500, title: 'The signing key of a trail is missing or is not the trail’s' },
  invalid_proof: { status: 422, title: 'The proof is not valid' },
  invalid_note: { status: 422, title: 'The signed note is not valid' },
  invalid_policy: { status: 422, title: 'The trust policy is not valid' },
  invalid_configuration: { status: 500, title: 'The configuration is not valid' },
  address_unavailable: { status: 500, title: 'The server cannot listen on the address' },
} as const satisfies Record<string, ErrorKind>;

/** A code out of {@link errorKinds}. */
export type ErrorCode = keyof typeof errorKinds;

/** One place in the input that is wrong. */
export interface ErrorDetail {
  /** Position of the event in the request, from 0. */
  readonly position?: number | undefined;
  /** JSON Pointer (RFC 6901) to the place inside that event, '' for the whole of it. */
  readonly pointer?: string | undefined;
  readonly code: ErrorCode;
  readonly message: string;
}

/**
 * The one error class of this package. `code` decides what callers do; `message` says what was expected, what came and
 * what to do, and holds neither values of events nor secrets.
 */
export class SealtrailError extends Error {
  override readonly name = 'SealtrailError';
  readonly code: ErrorCode;
  readonly details: readonly ErrorDetail[];
  /** Seconds after which a retry makes sense; only on overload. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    message: string = errorKinds[code].title,
    options: { cause?: unknown; details?: readonly ErrorDetail[]; retryAfterSeconds?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** The HTTP status that stands for this error. */
  get status(): number {
    return errorKinds[this.code].status;
  }
}

/** What an error says, whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Credentials of systems as the sender asks for them. Values go into the headers of one request and nowhere else.
 * Implemented by the auth room.
 */
export type CredentialSource = {
  /** The headers that authenticate a request, and the version of the credential they carry. */
  authorize(system: string): Promise<Authorization>;
  /**
   * The system refused this version as expired. `refreshed`: a newer one is there, the same request may be sent once more.
   * `broken`: there is none; a person has been or will be asked.
   */
  rejected(system: string, version: number): Promise<'refreshed' | 'broken'>;
};

/** A request as it is signed: path and query exactly as they are sent. */
export type SignableRequest = { readonly method: string; readonly path: string; readonly body: Uint8Array | null };

/** What makes one request an authenticated one. Nothing of it may be stored, logged or digested. */
export type Credential = {
  readonly headers: Readonly<Record<string, string>>;
  /** Pairs that are added to the query. */
  readonly query?: readonly (readonly [string, string])[];
  /** Further headers, made over the request as it will be sent; asked anew for each send. */
  readonly sign?: (request: SignableRequest) => Readonly<Record<string, string>>;
};

/** `unavailable` carries a stable reason, such as `refresh_busy` or `grant_broken`; `retryAfterMs` where waiting helps. */
export type Authorization =
  | (Credential & { readonly version: number })
  | { readonly unavailable: true; readonly code: string; readonly retryAfterMs?: number };

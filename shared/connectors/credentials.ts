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

/** `unavailable` carries a stable reason, such as `refresh_busy` or `grant_broken`; `retryAfterMs` where waiting helps. */
export type Authorization =
  | { readonly headers: Readonly<Record<string, string>>; readonly version: number }
  | { readonly unavailable: true; readonly code: string; readonly retryAfterMs?: number };

declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  type Model = { save(): Promise<string>; destroy(): Promise<void>; readonly isExpired: boolean };
  type Params = Readonly<Record<string, string | undefined>>;
  type Oidc = { readonly client: unknown; readonly params: Params };
  export type Context = { body: unknown; readonly oidc: Oidc };
  type Interaction = { readonly uid: string; readonly params: Params };

  /** As much of the package as the tests use; it brings no types of its own. */
  export class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>);
    callback(): (request: IncomingMessage, response: ServerResponse) => void;
    on(event: 'grant.success' | 'grant.error', listener: (context: Context) => void): void;
    registerGrantType(name: string, handler: (context: Context) => Promise<void>, parameters: readonly string[]): void;
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
    interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>;
    readonly AccessToken: { find(value: string): Promise<Model | undefined> };
    readonly ClientCredentials: {
      new (properties: { client: unknown; scope: string }): Model;
      find(value: string): Promise<Model | undefined>;
    };
    readonly Grant: new (properties: {
      accountId: string;
      clientId: string;
    }) => { addOIDCScope(scope: string): void; save(): Promise<string> };
  }
}

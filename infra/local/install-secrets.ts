import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SystemConfig } from '../../shared/config/schema.ts';
import type { Random } from '../../shared/model/clock.ts';
import { installKey, writePrivateFile } from './state-dir.ts';

/** Credentials of this install that both a simulator and the secrets know: a restart agrees with both. */
export type InstallSecrets = {
  /** A bearer token or API key. */
  readonly staticToken: string;
  /** `key:secret`, and the halves of it. */
  readonly keyPair: { readonly key: string; readonly secret: string };
  readonly basic: { readonly user: string; readonly password: string };
  readonly clientId: string;
  readonly clientSecret: string;
  readonly refreshToken: string;
  readonly jwt: { readonly username: string; readonly privateKeyPem: string; readonly publicKeyPem: string };
  webhookSecret(name: string): string;
};

/** The credentials of an install: derived from its random key, but for the key pair, which is kept beside it. */
export function installSecrets(directory: string, random: Random): InstallSecrets {
  const key = installKey(directory, 'install', 32, random);
  const derive = (text: string) => createHmac('sha256', key).update(text).digest('hex');
  const privateKeyPem = jwtKey(directory);
  const publicKeyPem = createPublicKey(privateKeyPem).export({ type: 'spki', format: 'pem' }).toString();
  return {
    staticToken: `local-${derive('static-token').slice(0, 32)}`,
    keyPair: { key: derive('key').slice(0, 15), secret: derive('key-secret').slice(0, 15) },
    basic: { user: 'local-user', password: derive('password').slice(0, 32) },
    clientId: 'local-app',
    clientSecret: derive('client-secret'),
    refreshToken: derive('refresh-token'),
    jwt: { username: 'plumbline@integration.example', privateKeyPem, publicKeyPem },
    webhookSecret: (name) => derive(`webhook:${name}`),
  };
}

function jwtKey(directory: string): string {
  const file = join(directory, 'jwt-key.pem');
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writePrivateFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  }
  return readFileSync(file, 'utf8');
}

/** What a system's secret holds for its way to authenticate, in the form that a person would put there. */
export function credentialOf(secrets: InstallSecrets, auth: SystemConfig['auth']): string {
  const client = { client_id: secrets.clientId, client_secret: secrets.clientSecret };
  switch (auth.grant) {
    case 'bearer':
    case 'hmac':
      return secrets.staticToken;
    // A key that is sent with a word before it is Frappe's: a pair.
    case 'api_key':
      return auth.prefix === undefined ? secrets.staticToken : `${secrets.keyPair.key}:${secrets.keyPair.secret}`;
    case 'basic':
      return `${secrets.basic.user}:${secrets.basic.password}`;
    case 'client_credentials':
      return JSON.stringify(client);
    case 'jwt_bearer': {
      const { username, privateKeyPem } = secrets.jwt;
      return JSON.stringify({ client_id: secrets.clientId, subject: username, private_key: privateKeyPem });
    }
    case 'refresh_token':
      return JSON.stringify({ ...client, refresh_token: secrets.refreshToken });
  }
}

import type { SecretStore, SecretVersion } from '../../shared/auth/ports.ts';

type Secret = { versions: Map<string, string>; current: string | null; previous: string | null };

/** Secrets in memory. `set` is a person who stores a new value: it becomes the current one at once. */
export function memorySecretStore(): SecretStore & { set(name: string, value: string, versionId: string): void } {
  const secrets = new Map<string, Secret>();
  const version = (name: string, id: string | null | undefined): SecretVersion | null => {
    const value = id == null ? undefined : secrets.get(name)?.versions.get(id);
    return id == null || value === undefined ? null : { value, versionId: id };
  };
  const secretOf = (name: string): Secret => {
    const known = secrets.get(name) ?? { versions: new Map(), current: null, previous: null };
    secrets.set(name, known);
    return known;
  };
  return {
    set(name, value, versionId) {
      const secret = secretOf(name);
      secret.versions.set(versionId, value);
      secret.previous = secret.current;
      secret.current = versionId;
    },
    get: async (name, versionId) => version(name, versionId ?? secrets.get(name)?.current),
    current: async (name) => {
      const secret = secrets.get(name);
      return [version(name, secret?.current), version(name, secret?.previous)].filter((one) => one !== null);
    },
    putPending: async (name, value, versionId) => {
      const known = secretOf(name).versions.get(versionId);
      if (known !== undefined && known !== value) throw new Error('this version id holds another value');
      secretOf(name).versions.set(versionId, value);
    },
    promote: async (name, toVersionId, fromVersionId) => {
      const secret = secretOf(name);
      if (secret.current === toVersionId) return 'promoted';
      if (secret.current !== fromVersionId || !secret.versions.has(toVersionId)) return 'lost';
      secret.previous = secret.current;
      secret.current = toVersionId;
      return 'promoted';
    },
  };
}

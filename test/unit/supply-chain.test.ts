import { describe, expect, it } from 'vitest';
import { sourceText } from '../kit/sources.ts';

type Locked = {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly inBundle?: boolean;
  readonly os?: readonly string[];
  readonly libc?: readonly string[];
};
const manifest = JSON.parse(sourceText('package.json')) as Record<string, Record<string, string>>;
const { packages } = JSON.parse(sourceText('package-lock.json')) as { packages: Readonly<Record<string, Locked>> };
const locked = Object.entries(packages).filter(([path]) => path !== '');

describe('what npm installs', () => {
  it('is asked for by exact versions', () => {
    const asked = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) =>
      Object.entries(manifest[kind] ?? {}),
    );
    expect(asked.filter(([, version]) => !/^[0-9]+\.[0-9]+\.[0-9]+$/.test(version))).toEqual([]);
  });

  it('is locked with the hash of its content, on Linux and wherever a package is for every system', () => {
    const forLinux = ({ os, libc, inBundle }: Locked) =>
      !inBundle && (!os || os.includes('linux')) && !libc?.includes('musl');
    const open = locked.filter(([, one]) => forLinux(one) && !one.integrity?.startsWith('sha512-'));
    expect(open.map(([path]) => path)).toEqual([]);
  });

  it('comes from a registry and not from an address of its own', () => {
    const strange = locked.filter(([, { resolved }]) => resolved && !resolved.startsWith('https://'));
    expect(strange.map(([path]) => path)).toEqual([]);
  });
});

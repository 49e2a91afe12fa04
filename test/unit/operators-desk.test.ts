import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { consoleFile, consoleFiles, readConsole } from '../../shared/ledger/operator-api/console.ts';
import { actionDesk } from '../../shared/ledger/operator-api/desk.ts';
import type { ActionRecord } from '../../shared/model/action.ts';
import { kernelLimits } from '../../shared/tools/limits.ts';
import { actionRecord, approval, states, testKey, testNowMs } from '../kit/action-records.ts';
import { fixedClock } from '../kit/fixed-clock.ts';
import { memoryActionStore } from '../kit/memory-action-store.ts';
import { memoryPayloadStore } from '../kit/memory-payload-store.ts';

const actionId = `act_${testKey}_1`;
const decision = { by: 'person:ben@acme.example', atMs: testNowMs, reason: 'agreed' };

async function desk(record: ActionRecord) {
  const [store, clock] = [memoryActionStore(), fixedClock(testNowMs)];
  await store.write(record, 'absent');
  return { store, clock, desk: actionDesk({ store, clock, limits: kernelLimits, payloads: memoryPayloadStore() }) };
}

describe('the desk', () => {
  let waiting: Awaited<ReturnType<typeof desk>>;

  beforeEach(async () => {
    waiting = await desk(actionRecord(states.awaiting, { approval }));
  });

  it('lets an approved action run', async () => {
    await waiting.desk.decide({ actionId, approve: true, decision });
    expect(await waiting.store.get(testKey)).toMatchObject({ state: 'RETRYABLE', approval: { decision } });
  });

  it('ends a rejected action', async () => {
    await waiting.desk.decide({ actionId, approve: false, decision });
    expect(await waiting.store.get(testKey)).toMatchObject({ state: 'REJECTED', decision });
  });

  it('refuses an approval after its time and lets the action expire', async () => {
    waiting.clock.advance(86_400_000);
    const answer = await waiting.desk.decide({ actionId, approve: true, decision });
    expect([answer.kind, (await waiting.store.get(testKey))?.state]).toEqual(['refused', 'EXPIRED']);
  });

  it('decides once of two decisions at the same time', async () => {
    const both = await Promise.all(
      [true, false].map((approve) => waiting.desk.decide({ actionId, approve, decision })),
    );
    expect(both.map(({ kind }) => kind).sort()).toEqual(['done', 'refused']);
  });

  it('does not decide another generation', async () => {
    const answer = await waiting.desk.decide({ actionId: `act_${testKey}_2`, approve: true, decision });
    expect([answer.kind, (await waiting.store.get(testKey))?.state]).toEqual(['refused', 'AWAITING_APPROVAL']);
  });

  it('settles an unknown outcome as done at once, with the record that was found', async () => {
    const needs = await desk(actionRecord(states.needsHuman, { effect: 'create' }));
    await needs.desk.settle({ actionId, verdict: 'succeeded', recordId: '77', decision });
    expect(await needs.store.get(testKey)).toMatchObject({
      state: 'SUCCEEDED',
      proof: 'person',
      records: [['hubspot', 'deal', '77']],
    });
  });

  it.each(['failed', 'retry'] as const)('settles it as %s only after the settle time', async (verdict) => {
    const needs = await desk(actionRecord(states.needsHuman));
    const early = await needs.desk.settle({ actionId, verdict, recordId: null, decision });
    needs.clock.advance(600_000);
    const late = await needs.desk.settle({ actionId, verdict, recordId: null, decision });
    expect([early.kind, late.kind]).toEqual(['refused', 'done']);
  });
});

describe('the console', () => {
  const files = readConsole(import.meta.resolve('../../functions/operator-door.ts'));
  const script = readFileSync(new URL('../../console/app.js', import.meta.url), 'utf8');
  const page = readFileSync(new URL('../../console/index.html', import.meta.url), 'utf8');

  it.each(consoleFiles)('serves %s', (name) => {
    const path = name === 'index.html' ? '/' : `/${name}`;
    expect(consoleFile({ files, issuer: 'https://issuer.example/x', client: 'c' }, path)?.body).toBe(files.get(name));
  });

  it('puts values into the page as text only', () => {
    expect(script).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|srcdoc|setHTML/,
    );
  });

  it('keeps the token in memory only', () => {
    expect(script).not.toMatch(/localStorage|sessionStorage|document\.cookie|indexedDB/);
  });

  it('has no inline script or style and nothing from elsewhere', () => {
    expect(page).not.toMatch(/<script(?![^>]*src="\/)|<style|style="|\son[a-z]+="|https?:\/\//);
  });
});

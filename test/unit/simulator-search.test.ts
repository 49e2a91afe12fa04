import { afterEach, describe, expect, it } from 'vitest';
import type { HubSpotSimulator } from '../../infra/local/systems/hubspot/start.ts';
import { callHubSpot, manualClock, startTestHubSpot } from '../kit/simulator.ts';

describe('search of the simulated HubSpot account', () => {
  let hubspot: HubSpotSimulator;
  const search = (body: unknown) => callHubSpot(hubspot, 'POST', '/crm/objects/2026-09/contacts/search', body);
  const where = (...filters: unknown[]) => ({ filterGroups: [{ filters }], limit: 200, properties: ['email'] });
  afterEach(() => hubspot.close());

  it('does not see a new record before its index does', async () => {
    const clock = manualClock();
    hubspot = await startTestHubSpot({ clock, searchLagMs: 5000 });
    await callHubSpot(hubspot, 'POST', '/crm/objects/2026-09/contacts', { properties: { email: 'late@example.com' } });
    const filter = where({ propertyName: 'email', operator: 'EQ', value: 'late@example.com' });
    const early = (await search(filter)).body.total;
    clock.advance(5000);
    expect([early, (await search(filter)).body.total]).toEqual([0, 1]);
  });

  it('shows the earlier value of a changed record until its index knows the change', async () => {
    const clock = manualClock();
    hubspot = await startTestHubSpot({ clock, searchLagMs: 5000 });
    const made = await callHubSpot(hubspot, 'POST', '/crm/objects/2026-09/contacts', {
      properties: { email: 'old@example.com' },
    });
    clock.advance(6000);
    await callHubSpot(hubspot, 'PATCH', `/crm/objects/2026-09/contacts/${made.body.id}`, {
      properties: { email: 'new@example.com' },
    });
    expect((await search(where())).body.results[0].properties.email).toBe('old@example.com');
  });

  it('refuses to page past 10,000 results', async () => {
    hubspot = await startTestHubSpot();
    expect((await search({ limit: 100, after: '9901' })).status).toBe(400);
  });

  it.each([
    ['a sixth group', { filterGroups: Array.from({ length: 6 }, () => ({ filters: [] })) }],
    [
      'a seventh filter',
      where(...Array.from({ length: 7 }, () => ({ propertyName: 'email', operator: 'HAS_PROPERTY' }))),
    ],
    ['an unknown operator', where({ propertyName: 'email', operator: 'LIKE', value: 'x' })],
    ['an unknown property', where({ propertyName: 'shoe_size', operator: 'EQ', value: 'x' })],
    ['a page above 200', { limit: 201 }],
  ])('refuses %s', async (_what, body) => {
    hubspot = await startTestHubSpot();
    expect((await search(body)).status).toBe(400);
  });

  it('compares times given as epoch milliseconds', async () => {
    const clock = manualClock();
    hubspot = await startTestHubSpot({ clock });
    await callHubSpot(hubspot, 'POST', '/crm/objects/2026-09/contacts', { properties: { email: 'first@example.com' } });
    clock.advance(1000);
    await callHubSpot(hubspot, 'POST', '/crm/objects/2026-09/contacts', {
      properties: { email: 'second@example.com' },
    });
    const { body } = await search(
      where({ propertyName: 'lastmodifieddate', operator: 'GTE', value: String(clock.now()) }),
    );
    expect(body.results.map((one: { properties: { email: string } }) => one.properties.email)).toEqual([
      'second@example.com',
    ]);
  });
});

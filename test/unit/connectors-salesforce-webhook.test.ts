import { describe, expect, it } from 'vitest';
import { webhookAdapter } from '../../shared/connectors/salesforce/webhook.ts';
import type { Json } from '../../shared/model/json.ts';
import { parseBody } from '../../shared/webhooks/body-parse.ts';

const envelope = (notifications: string) => `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
   <OrganizationId>00D000000000001EAA</OrganizationId>
   <ActionId>04k000000000001AAA</ActionId>
   <SessionId xsi:nil="true"/>
   <EnterpriseUrl>https://plumbline-test.my.salesforce.com/services/Soap/c/62.0/00D000000000001</EnterpriseUrl>
   <PartnerUrl>https://plumbline-test.my.salesforce.com/services/Soap/u/62.0/00D000000000001</PartnerUrl>
   ${notifications}
  </notifications>
 </soapenv:Body>
</soapenv:Envelope>`;
const notification = (id: string, record: string, stage = 'Prospecting') => `<Notification>
    <Id>${id}</Id>
    <sObject xsi:type="sf:Opportunity" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
     <sf:Id>${record}</sf:Id>
     <sf:StageName>${stage}</sf:StageName>
     <sf:SystemModstamp>2026-01-31T12:00:00.000Z</sf:SystemModstamp>
    </sObject>
   </Notification>`;
const opportunity = '006000000000001AAA';
const items = (text: string): readonly Json[] => {
  const parsed = parseBody('soap', Buffer.from(text), 'text/xml');
  return (parsed.ok && webhookAdapter.split(parsed.value)) || [];
};
const delivery = {
  system: 'salesforce',
  channel: 'crm',
  scheme: 'salesforce-outbound',
  bodyHash: 'h',
  signedId: null,
  receivedAtMs: 0,
};
const identity = (item: Json | undefined) => webhookAdapter.identity(item ?? null, delivery);
const [first, second] = items(
  envelope(notification('04l000000000001AAA', opportunity) + notification('04l000000000002AAA', opportunity)),
);

describe('outbound messages of Salesforce', () => {
  it('hold several notifications, each with an identity in its organization', () => {
    expect([identity(first), identity(second)]).toEqual([
      '00D000000000001EAA-04l000000000001AAA',
      '00D000000000001EAA-04l000000000002AAA',
    ]);
  });

  it('keep identity and content where they are sent again with the record as it is then', () => {
    const [again] = items(envelope(notification('04l000000000001', opportunity, 'Closed Won')));
    const [same] = items(envelope(notification('04l000000000001AAA', opportunity, 'Closed Won')));
    expect(identity(again)).toBe(identity(first));
    expect(webhookAdapter.stable(same ?? null)).toEqual(webhookAdapter.stable(first ?? null));
    const [other] = items(envelope(notification('04l000000000001AAA', '006000000000002AAA')));
    expect(webhookAdapter.stable(other ?? null)).not.toEqual(webhookAdapter.stable(first ?? null));
  });

  it('say organization, type, time, and which record to read again', () => {
    const item = first ?? null;
    expect(webhookAdapter.account?.(item)).toEqual({ organizationId: '00D000000000001EAA' });
    expect([webhookAdapter.type(item), webhookAdapter.occurredAtMs(item)]).toEqual([
      'opportunity.outbound',
      Date.UTC(2026, 0, 31, 12),
    ]);
    expect(webhookAdapter.record?.(item, 'salesforce-emea')).toEqual(['salesforce-emea', 'opportunity', opportunity]);
    expect(webhookAdapter.reRead(item, 'salesforce-emea')).toMatchObject({
      operation: 'salesforce.opportunities.get',
      system: 'salesforce-emea',
      input: { id: opportunity },
    });
  });

  it('of an object that is not known here are read again by nobody', () => {
    const [lead] = items(envelope(notification('04l000000000001AAA', '00Q000000000001AAA')));
    expect([webhookAdapter.reRead(lead ?? null, 'salesforce'), webhookAdapter.type(lead ?? null)]).toEqual([
      null,
      'unknown',
    ]);
  });

  it.each([{ Id: 'x' }, { Id: null }, { OrganizationId: '00E000000000001EAA' }, { OrganizationId: null }])(
    'without what identifies them have no identity: %j',
    (change) => {
      expect(identity({ ...(first as object), ...change })).toBeNull();
    },
  );

  it('are a list with something in it', () => {
    expect([webhookAdapter.split([]), webhookAdapter.split({}), webhookAdapter.split(null)]).toEqual([
      null,
      null,
      null,
    ]);
  });
});

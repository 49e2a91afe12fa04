import type { SimAnswer } from '../loopback-server.ts';
import { type Call, listed, need, type Row, shown } from './call.ts';
import { json, resourceNotFound } from './errors.ts';
import { schemas } from './schema.ts';
import { guidOf, type User } from './tenant.ts';

/** A user as JSON shows it. */
export function userRow(user: User): Row {
  return { value: { id: user.id, ...user.values }, extended: {} };
}

/** `GET /users` and `GET /users/{id}`. */
export function usersRoute(call: Call, user: User | null, name: string | undefined): SimAnswer {
  need(call, 'directory', 'User.Read.All');
  if (name !== undefined) {
    if (!user) throw resourceNotFound(name);
    return json(200, shown(call, schemas.user, userRow(user)));
  }
  const rows = [...call.tenant.users.values()].filter(({ removed }) => !removed).map(userRow);
  return listed(call, 'user', rows, { most: 999, usual: 100 });
}

/** `GET /organization`: one tenant. */
export function organizationRoute(call: Call): SimAnswer {
  need(call, 'directory', 'Organization.Read.All');
  const { tenantId } = call.tenant;
  const verifiedDomains = [{ name: 'acme.example', isDefault: true, isInitial: false, type: 'Managed' }];
  return json(200, { value: [{ id: tenantId, displayName: 'Simulated', tenantType: 'AAD', verifiedDomains }] });
}

/** `GET /subscribedSkus`: what the tenant is licensed for. Free ones bring no mailbox. */
export function licencesRoute(call: Call): SimAnswer {
  need(call, 'directory', 'Organization.Read.All');
  const licence = (skuPartNumber: string, plan: string) => ({
    ...{ skuId: guidOf('sku', skuPartNumber), skuPartNumber, capabilityStatus: 'Enabled', consumedUnits: 5 },
    prepaidUnits: { enabled: 25, suspended: 0, warning: 0 },
    servicePlans: [
      { servicePlanName: plan, provisioningStatus: 'Success', appliesTo: 'User' },
      { servicePlanName: 'EXCHANGE_S_FOUNDATION', provisioningStatus: 'Success', appliesTo: 'Company' },
    ],
  });
  const value = [
    ...call.tenant.licences.map((name) => licence(name, 'EXCHANGE_S_ENTERPRISE')),
    licence('FLOW_FREE', 'FLOW_P2_VIRAL'),
  ];
  return json(200, { value });
}

import { createHmac } from 'node:crypto';
import type { Clock } from '../../../../shared/model/clock.ts';
import { createDeliveries, type Deliveries, statusOf } from '../deliveries.ts';
import { noStateFile } from '../state-file.ts';
import { type Doc, type DocEvent, type Site, stamp } from './site.ts';

/** Where the site's webhooks deliver. */
export type WebhookTarget = {
  readonly url: string;
  readonly secret: string;
  /** What the template of the webhooks says the site is called. */
  readonly site?: string;
};

type Waiting = {
  readonly id: string;
  readonly attempt: number;
  readonly body: string;
  readonly event: DocEvent;
};

/** The sender of webhooks. A worker that dies loses what it had not sent: nothing of it is kept. */
export type WebhookSender = Deliveries<WebhookTarget, Waiting, { readonly name: string; readonly event: string }> & {
  onChange(site: Site, doc: Doc, event: DocEvent): void;
};

/** Waits of Frappe between its three attempts, milliseconds. */
export const defaultRetryDelaysMs: readonly number[] = [1000, 4000];

/** JSON as Python writes it: blanks after comma and colon, and everything beyond ASCII escaped. */
export function pythonJson(values: Readonly<Record<string, string | number | null>>): string {
  const text = (value: string | number | null) =>
    JSON.stringify(value).replaceAll(
      /[\u007f-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  return `{${Object.entries(values)
    .map(([name, value]) => `${text(name)}: ${text(value)}`)
    .join(', ')}}`;
}

/** The signature over a body. @see https://github.com/frappe/frappe/blob/develop/frappe/integrations/doctype/webhook/webhook.py */
export function signatureOf(secret: string, body: string): string {
  return createHmac('sha256', secret).update(body).digest('base64');
}

/** Sends what happened to documents, signed, in up to three attempts; after them it is lost. */
export function createWebhookSender(deps: {
  readonly clock: Clock;
  readonly retryDelaysMs: readonly number[];
}): WebhookSender {
  const deliveries: Omit<WebhookSender, 'onChange'> = createDeliveries({
    ...{ ...deps, file: noStateFile, kind: 'webhook', atOnce: Number.POSITIVE_INFINITY },
    send: (target: WebhookTarget, { body }: Waiting) => {
      // Frappe names no content type of its own; the webhook's headers do.
      const headers = {
        'content-type': 'application/json',
        'x-frappe-webhook-signature': signatureOf(target.secret, body),
      };
      return statusOf(target.url, { headers, body, withinMs: 5000, closed: deliveries.closed });
    },
    says: ({ id, event }) => ({ name: id, event }),
  });
  return {
    ...deliveries,
    onChange(site, doc, event) {
      const target = deliveries.aimedAt();
      const { docType, name } = doc;
      if (target === null || ['Comment', 'Deleted Document', 'Company', 'Warehouse'].includes(docType)) return;
      const modified = stamp(site, doc.modifiedMicros);
      const body = pythonJson({ site: target.site ?? '127.0.0.1', event, doctype: docType, name, modified });
      deliveries.offer(() => ({ id: name, attempt: 0, body, event }));
    },
  };
}

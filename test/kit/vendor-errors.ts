import type { FailureClass, HttpAnswer } from '../../shared/model/operation.ts';

/** One answer of a vendor that is of a class, or why no answer of this vendor ever is. */
export type VendorError = { readonly answer: HttpAnswer } | { readonly never: string };

/** Every class of failure, for one connector. */
export type VendorErrors = Readonly<Record<FailureClass, VendorError>>;

const says = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): VendorError => ({
  answer: { status, headers, bodyText: typeof body === 'string' ? body : JSON.stringify(body) },
});
const page = '<html><head><title>502 Bad Gateway</title></head></html>';

const hubspotId = { correlationId: '0f1e2d3c-0000-4000-8000-000000000000' };
const hubspotSays = (status: number, category: string, message: string, more: object = {}) =>
  says(status, { status: 'error', message, category, ...hubspotId, ...more });

const stripeSays = (status: number, type: string, more: object, headers: Readonly<Record<string, string>> = {}) =>
  says(status, { error: { type, message: 'm', ...more } }, { 'request-id': 'req_1', ...headers });

const salesforceSays = (status: number, errorCode: string, message: string) => says(status, [{ message, errorCode }]);

const frappeSays = (status: number, type: string, message: string) =>
  says(status, {
    exception: `frappe.exceptions.${type}: ${message}`,
    exc_type: type,
    _server_messages: JSON.stringify([JSON.stringify({ message, indicator: 'red' })]),
  });

const graphSays = (status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) =>
  says(status, { error: { code, message, innerError: { date: '2026-11-01T10:00:00' } } }, headers);

const slackSays = (error: string, status = 200, headers: Readonly<Record<string, string>> = {}) =>
  says(status, { ok: false, error }, headers);

const githubSays = (status: number, message: string, headers: Readonly<Record<string, string>> = {}) =>
  says(status, { message, documentation_url: 'https://docs.github.com/rest' }, headers);

const portalSays = (code: string, text: string, status = 200) =>
  says(status, { result: 'ERROR', error: { code, text } });

/**
 * What each vendor answers, by the class that its connector makes of it. A connector has a row for every class: an answer of the
 * vendor's own form, or the reason why there is none.
 */
export const vendorErrors: Readonly<Record<string, VendorErrors>> = {
  hubspot: {
    transient: says(477, { status: 'error', message: 'Migration in progress', ...hubspotId }, { 'retry-after': '7' }),
    rate: says(429, {
      status: 'error',
      message: 'You have reached your ten_secondly_rolling limit.',
      errorType: 'RATE_LIMIT',
      policyName: 'TEN_SECONDLY_ROLLING',
      ...hubspotId,
    }),
    auth: hubspotSays(401, 'EXPIRED_AUTHENTICATION', 'The OAuth token used to make this call expired.'),
    permission: hubspotSays(403, 'MISSING_SCOPES', 'This app has not been granted all required scopes.'),
    business: hubspotSays(400, 'VALIDATION_ERROR', 'Property values were not valid'),
    conflict: { never: 'HubSpot has no versions: what changed meanwhile is found in the before-image.' },
    duplicate: hubspotSays(409, 'CONFLICT', 'Contact already exists. Existing ID: 123'),
    not_found: hubspotSays(404, 'OBJECT_NOT_FOUND', 'Object not found.'),
    schema: hubspotSays(400, 'VALIDATION_ERROR', 'Property values were not valid', {
      errors: [{ message: 'Property "foo" does not exist', code: 'PROPERTY_DOESNT_EXIST' }],
    }),
    unknown_outcome: hubspotSays(500, 'INTERNAL_ERROR', 'internal error'),
  },
  stripe: {
    transient: stripeSays(429, 'invalid_request_error', { code: 'lock_timeout' }, { 'stripe-should-retry': 'true' }),
    rate: stripeSays(429, 'invalid_request_error', { code: 'rate_limit' }),
    auth: stripeSays(401, 'invalid_request_error', { code: 'api_key_expired' }),
    permission: stripeSays(403, 'invalid_request_error', {
      message: "Having the 'rak_customer_write' permission would allow this request to continue.",
    }),
    business: stripeSays(402, 'card_error', { code: 'card_declined', decline_code: 'insufficient_funds' }),
    conflict: { never: 'Stripe has no versions, and a 409 speaks of our own key.' },
    duplicate: stripeSays(400, 'invalid_request_error', { code: 'charge_already_refunded' }),
    not_found: stripeSays(404, 'invalid_request_error', { code: 'resource_missing', param: 'id' }),
    schema: stripeSays(400, 'invalid_request_error', { code: 'parameter_unknown', param: 'foo' }),
    unknown_outcome: stripeSays(500, 'api_error', {}, { 'stripe-should-retry': 'true' }),
  },
  salesforce: {
    transient: salesforceSays(400, 'UNABLE_TO_LOCK_ROW', 'unable to obtain exclusive access to this record'),
    rate: salesforceSays(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.'),
    auth: salesforceSays(401, 'INVALID_SESSION_ID', 'Session expired or invalid'),
    permission: salesforceSays(403, 'INSUFFICIENT_ACCESS_OR_READONLY', 'insufficient access rights on object id'),
    business: salesforceSays(400, 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'Close date is in the past'),
    conflict: salesforceSays(412, 'PRECONDITION_FAILED', 'The precondition was not met.'),
    duplicate: salesforceSays(400, 'DUPLICATE_VALUE', 'duplicate value found: Ext__c'),
    not_found: salesforceSays(404, 'NOT_FOUND', 'The requested resource does not exist'),
    schema: salesforceSays(400, 'INVALID_FIELD', "No such column 'Nope__c' on sobject of type Contact"),
    unknown_outcome: salesforceSays(503, 'SERVER_UNAVAILABLE', 'Server is unavailable.'),
  },
  erpnext: {
    transient: frappeSays(500, 'QueryDeadlockError', 'Deadlock found'),
    rate: says(429, 'Too Many Requests', { 'retry-after': '1234' }),
    auth: says(401, { exc_type: 'AuthenticationError' }),
    permission: frappeSays(403, 'PermissionError', 'Not permitted'),
    business: frappeSays(417, 'MandatoryError', '[Sales Order, SO-1]: customer, items'),
    conflict: frappeSays(417, 'TimestampMismatchError', 'Document has been modified after you have opened it'),
    duplicate: frappeSays(409, 'DuplicateEntryError', 'Customer X already exists'),
    not_found: frappeSays(404, 'DoesNotExistError', 'Customer X not found'),
    schema: frappeSays(417, 'DataError', 'Field not permitted in query: x'),
    unknown_outcome: frappeSays(500, 'AttributeError', 'm'),
  },
  graph: {
    transient: graphSays(400, 'ErrorMailboxMoveInProgress', 'Mailbox move in progress. Try again later.'),
    rate: graphSays(429, 'TooManyRequests', 'Too Many Requests', { 'retry-after': '17' }),
    auth: graphSays(401, 'InvalidAuthenticationToken', 'Lifetime validation failed, the token is expired.'),
    permission: graphSays(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.'),
    business: graphSays(400, 'ErrorInvalidRecipients', "At least one recipient isn't valid."),
    conflict: graphSays(412, 'ErrorIrresolvableConflict', 'The change key passed does not match the current one.'),
    duplicate: graphSays(409, 'ErrorDuplicateTransactionId', 'The TransactionId has already been used.'),
    not_found: graphSays(404, 'ErrorItemNotFound', 'The specified object was not found in the store.'),
    schema: graphSays(400, 'RequestBroker--ParseUri', "Could not find a property named 'subjct' on type 'message'."),
    unknown_outcome: graphSays(503, 'serviceNotAvailable', 'Try again later.', { 'retry-after': '30' }),
  },
  slack: {
    transient: slackSays('team_added_to_org'),
    rate: slackSays('ratelimited', 429, { 'retry-after': '30' }),
    auth: slackSays('token_revoked'),
    permission: slackSays('missing_scope'),
    business: slackSays('msg_too_long'),
    conflict: { never: 'Slack has no versions of messages: the last writer wins.' },
    duplicate: { never: 'Slack takes equal messages: repeats are found by the value that we write.' },
    not_found: slackSays('channel_not_found'),
    schema: slackSays('unknown_method'),
    unknown_outcome: slackSays('internal_error'),
  },
  github: {
    transient: { never: 'GitHub names no failure that may pass: 5xx says nothing of what was done.' },
    rate: githubSays(403, 'API rate limit exceeded', { 'x-ratelimit-remaining': '0' }),
    auth: githubSays(401, 'Bad credentials'),
    permission: githubSays(403, 'Resource not accessible by personal access token'),
    business: githubSays(422, 'Validation Failed'),
    conflict: githubSays(409, 'Conflict'),
    duplicate: { never: 'Nothing is created here: a delivery that is made again is an event that is known.' },
    not_found: githubSays(404, 'Not Found'),
    schema: githubSays(415, 'Unsupported Media Type'),
    unknown_outcome: says(502, page),
  },
  // The portal that is described in config/systems: its classes are rules of its description.
  rest: {
    transient: { never: 'Of any system, without a rule of its own, a failure that may pass proves nothing.' },
    rate: says(429, { result: 'ERROR', error: { code: 'E429', text: 'SLOW DOWN' } }),
    auth: portalSays('E401', 'KEY NOT VALID'),
    permission: says(403, { result: 'ERROR', error: { code: 'E9', text: 'NO' } }),
    business: portalSays('E310', 'QUANTITY NOT VALID'),
    conflict: portalSays('E340', 'ORDER ALREADY SHIPPED'),
    duplicate: portalSays('E342', 'YOUR REF ALREADY USED'),
    not_found: portalSays('E404', 'ORDER NOT FOUND'),
    schema: portalSays('E101', 'FIELD NOT KNOWN'),
    unknown_outcome: says(502, page),
  },
};

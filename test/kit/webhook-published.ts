import type { VerifyInput } from '../../shared/webhooks/verify-types.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const standardKey = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const base = { method: 'POST', url: 'https://hooks.example.com/acme/main', nowMs: 1_795_000_000_000 };

const slackBody =
  'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
const twilioUrl = 'https://mycompany.com/myapp.php?foo=1&bar=2';

/** Published examples of the providers themselves: values from their documentation and test suites. */
export const publishedVectors: readonly (readonly [name: string, input: VerifyInput])[] = [
  [
    'GitHub documentation, Hello World',
    {
      ...base,
      scheme: 'github',
      secrets: "It's a Secret to Everybody",
      body: bytes('Hello, World!'),
      headers: {
        'X-Hub-Signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
      },
    },
  ],
  [
    'Slack documentation',
    {
      ...base,
      scheme: 'slack',
      nowMs: 1_531_420_618_000,
      secrets: '8f742231b10e8888abcd99yyyzzz85a5',
      body: bytes(slackBody),
      headers: {
        'X-Slack-Request-Timestamp': '1531420618',
        'X-Slack-Signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
      },
    },
  ],
  [
    'Standard Webhooks and Svix libraries',
    {
      ...base,
      scheme: 'svix',
      nowMs: 1_614_265_330_000,
      secrets: `whsec_${standardKey}`,
      body: bytes('{"test": 2432232314}'),
      headers: {
        'svix-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
        'svix-timestamp': '1614265330',
        'svix-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      },
    },
  ],
  [
    'Twilio libraries, form',
    {
      ...base,
      scheme: 'twilio',
      url: twilioUrl,
      secrets: '12345',
      body: bytes('CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309'),
      headers: { 'X-Twilio-Signature': 'RSOYDt4T1cUTdK1PDd93/VVr8B8=' },
    },
  ],
  [
    'Twilio libraries, JSON',
    {
      ...base,
      scheme: 'twilio',
      url: `${twilioUrl}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620`,
      secrets: '12345',
      body: bytes('{"property": "value", "boolean": true}'),
      headers: { 'X-Twilio-Signature': 'a9nBmqA0ju/hNViExpshrM61xv4=', 'Content-Type': 'application/json' },
    },
  ],
  [
    'HubSpot library, v1',
    {
      ...base,
      scheme: 'hubspot-v1',
      secrets: 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy',
      body: bytes(
        '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]',
      ),
      headers: { 'X-HubSpot-Signature': '232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de' },
    },
  ],
  [
    'HubSpot library, v2 with body',
    {
      ...base,
      scheme: 'hubspot-v2',
      url: 'https://www.example.com/webhook_uri',
      secrets: 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy',
      body: bytes('{"example_field":"example_value"}'),
      headers: {
        'X-HubSpot-Signature': '9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900',
        'X-HubSpot-Signature-Version': 'v2',
      },
    },
  ],
  [
    'SendGrid library, two events',
    {
      ...base,
      scheme: 'sendgrid',
      nowMs: 1_600_112_502_000,
      secrets:
        'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==',
      body: bytes(
        '[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n',
      ),
      headers: {
        'X-Twilio-Email-Event-Webhook-Signature':
          'MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=',
        'X-Twilio-Email-Event-Webhook-Timestamp': '1600112502',
      },
    },
  ],
  [
    'Shopify library',
    {
      ...base,
      scheme: 'shopify',
      secrets: 'test_secret_key',
      body: bytes('{"foo": "bar"}'),
      headers: { 'shopify-hmac-sha256': 'B23tXN681gZ0qIWNRrgtzBE9XSDo5yaUu6wfmhu3a7g=' },
    },
  ],
];

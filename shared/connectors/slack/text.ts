/** Somebody a message calls for: one person, or one user group. Broadcasts such as `@channel` cannot be said here. */
export type Mention = { readonly user: string } | { readonly group: string };

/** The longest text Slack keeps, characters; what is longer it cuts off. @see https://docs.slack.dev/messaging/formatting-message-text */
export const maxTextChars = 40_000;

/**
 * Text that means itself: with its three control characters escaped, nothing in it can become a mention, a broadcast or a
 * link under another name.
 * @see https://docs.slack.dev/messaging/formatting-message-text#escaping
 */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** The text that is sent: the mentions that were asked for by id, then the escaped text. */
export function messageText(text: string, mentions: readonly Mention[] = []): string {
  const called = mentions.map((one) => ('user' in one ? `<@${one.user}>` : `<!subteam^${one.group}>`));
  return [...called, escapeText(text)].join(' ');
}

/** Slack's text as a person reads it: `<@U1>` as `@U1`, `<https://a.example|here>` as `here (https://a.example)`. */
export function readableText(text: string): string {
  return text
    .replaceAll(/<([^<>|]*)(?:\|([^<>]*))?>/g, (_all, target: string, label?: string) => readableMark(target, label))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function readableMark(target: string, label: string | undefined): string {
  if (target.startsWith('@')) return target;
  if (target.startsWith('#')) return `#${label || target.slice(1)}`;
  if (target.startsWith('!')) return label || `@${target.slice(1).replace(/^subteam\^/, '')}`;
  const address = target.replace(/^mailto:/, '');
  return label === undefined || label === '' || label === address ? address : `${label} (${address})`;
}

/**
 * Whether a message shows a text. Slack keeps an emoji under its name, and links what looks like an address: two texts that
 * differ in no more than that count as one, unless the earlier text differed in no more than that either.
 * @param input.live readable text of the live message; @param input.before readable text before the write, or null
 */
export function showsText(input: {
  readonly live: string;
  readonly wanted: string;
  readonly before: string | null;
}): boolean {
  const { live, wanted, before } = input;
  if (live === wanted) return true;
  const plain = plainText(wanted);
  return plainText(live) === plain && (before === null || plainText(before) !== plain);
}

function plainText(text: string): string {
  return text
    .replaceAll(/(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|\u200D|\uFE0F)+/gu, ':')
    .replaceAll(/(?::(?:[a-z+-][a-z0-9_+'-]*|100|1234):)+/g, ':')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

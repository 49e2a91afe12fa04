/** What an answer holds, with its body parsed where it is JSON. */
export async function answerOf(answer: Response) {
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json') === true && text !== '';
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of any shape
  return { status: answer.status, headers: answer.headers, text, body: (isJson ? JSON.parse(text) : null) as any };
}

/** One JSON request. */
export async function callJson(url: string, method: string, body: unknown, headers: Readonly<Record<string, string>>) {
  return answerOf(
    await fetch(url, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
}

/** One request to a simulator's own routes. */
export async function turn(simulator: { readonly url: string }, path: string, body: object = {}) {
  const answer = await fetch(simulator.url + path, { method: 'POST', body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

// The operators' page. Every value that comes from the API is shown as text and nothing else.
const byId = (id) => document.getElementById(id);
const views = ['cases', 'runs', 'switches', 'health'];
let token = null;
let issuer = null;
let cursor = null;

function element(name, content, attributes = {}) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  for (const part of [content].flat()) made.append(part instanceof Node ? part : String(part ?? ''));
  return made;
}

function say(text) {
  byId('message').textContent = text;
}

class Problem extends Error {}

async function api(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const value = await answer.json();
  if (answer.ok) return value;
  if (answer.status === 401) signOut();
  const rows = (value.errors ?? []).map(
    ({ path: at, message, allowed }) => `${at}: ${message}${allowed ? ` (${allowed})` : ''}`,
  );
  throw new Problem([value.detail, ...rows, value.next_step?.message].filter(Boolean).join(' '));
}

/** Runs what a control asks for, once at a time, and says what went wrong. */
function doing(act) {
  return async (event) => {
    event.preventDefault();
    say('');
    const button = event.submitter ?? event.currentTarget;
    button.disabled = true;
    try {
      await act(event);
    } catch (fault) {
      say(fault instanceof Problem ? fault.message : 'The door could not be reached. Try again.');
    } finally {
      button.disabled = false;
    }
  };
}

function show(name) {
  byId('sign-in').hidden = token !== null;
  byId('views').hidden = token === null;
  byId('sign-out').hidden = token === null;
  for (const view of views) byId(view).hidden = token === null || view !== name;
  for (const button of document.querySelectorAll('[data-view]')) {
    if (button.dataset.view === name) button.setAttribute('aria-current', 'page');
    else button.removeAttribute('aria-current');
  }
  byId('main').focus();
}

function signOut() {
  token = null;
  for (const id of ['case-list', 'case', 'run-list', 'control', 'credentials', 'health-text'])
    byId(id).replaceChildren();
  byId('case').hidden = true;
  show(null);
}

async function signIn(given) {
  token = given.trim();
  await loadCases(true);
  show('cases');
}

async function login() {
  const { client } = issuer;
  const form = new URLSearchParams({
    grant_type: 'password',
    client_id: client,
    username: byId('person').value,
    password: byId('password').value,
  });
  byId('password').value = '';
  const answer = await fetch(`${issuer.issuer}/token`, { method: 'POST', body: form });
  const value = await answer.json();
  if (!answer.ok || typeof value.access_token !== 'string')
    throw new Problem('The issuer did not accept this sign-in.');
  await signIn(value.access_token);
}

const when = (iso) => (iso ? `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC` : 'never');

function facts(pairs) {
  return element(
    'dl',
    pairs.flatMap(([name, value]) => [element('dt', name), element('dd', value)]),
  );
}

/** One system's credential: who it is, whether all is as it should be, and what is not, in words. */
function credentialRow(one) {
  const why = one.reasons.map(({ detail }) => detail).join(' ');
  const { missing, surplus } = one.scopes;
  const scopes = [
    missing.length > 0 ? `Missing: ${missing.join(', ')}.` : '',
    surplus.length > 0 ? `More than needed: ${surplus.join(', ')}.` : '',
  ];
  const stands = [one.verdict, why, ...scopes].filter(Boolean).join(' ');
  const acts = one.acts_as === null ? 'not told' : `${one.acts_as} (${one.holder})`;
  const cells = [
    stands,
    acts,
    one.grant,
    one.ends_at === null ? 'no end known' : when(one.ends_at),
    when(one.asked_at),
  ];
  return element('tr', [
    element('th', one.system, { scope: 'row' }),
    ...cells.map((cell, i) => element('td', cell, i === 0 && one.verdict === 'red' ? { class: 'late' } : {})),
  ]);
}

async function loadCases(fresh) {
  const query = new URLSearchParams({ state: byId('case-state').value });
  const owner = byId('case-owner').value.trim();
  if (owner) query.set('owner', owner);
  if (!fresh && cursor) query.set('cursor', cursor);
  const page = await api('GET', `/v1/cases?${query}`);
  cursor = page.cursor;
  const rows = page.cases.map((one) => {
    const open = element('button', one.title, { type: 'button' });
    open.addEventListener(
      'click',
      doing(() => showCase(one.case_id)),
    );
    const late = one.state === 'OPEN' && Date.parse(one.due_at) < Date.now();
    const due = element('span', ` due ${when(one.due_at)}${late ? ', overdue' : ''}`, late ? { class: 'late' } : {});
    return element('li', [open, element('span', ` ${one.kind}, ${one.reason}, ${one.owner},`), due]);
  });
  if (fresh) byId('case-list').replaceChildren();
  byId('case-list').append(...rows);
  if (fresh && rows.length === 0) byId('case-list').append(element('li', 'No cases.'));
  byId('more-cases').hidden = cursor === null;
}

async function showCase(id) {
  const one = await api('GET', `/v1/cases/${encodeURIComponent(id)}`);
  const parts = [
    element('h3', one.title),
    element('p', one.detail),
    facts([
      ['case', one.case_id],
      ['owner', one.owner],
      ['opened', when(one.opened_at)],
      ['due', when(one.due_at)],
      ['escalated', when(one.escalated_at)],
      ...Object.entries(one.facts).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
    ]),
  ];
  if (one.action_id) parts.push(await actionPart(one.action_id));
  if (one.run_id) parts.push(runLink(one.run_id));
  if (one.resolution) {
    const { by, at, decision, reason } = one.resolution;
    parts.push(element('p', `${decision} by ${by} at ${when(at)}: ${reason}`));
  } else parts.push(resolutionForm(one));
  byId('case').replaceChildren(element('article', parts));
  byId('case').hidden = false;
}

async function actionPart(id) {
  try {
    const action = await api('GET', `/v1/actions/${encodeURIComponent(id)}`);
    return element('div', [
      ...values('What is asked', action.input?.asked),
      ...values('What was there when it was asked', action.before?.written),
      element('details', [
        element('summary', `${action.tool}: ${action.state}`),
        element('pre', JSON.stringify(action, null, 2), { tabindex: '0' }),
      ]),
    ]);
  } catch (fault) {
    return element('p', `${id}: ${fault.message}`);
  }
}

/** What a person decides about, value by value. */
function values(title, given) {
  if (!given || typeof given !== 'object') return [];
  const rows = Object.entries(given).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return rows.length > 0 ? [element('h4', title), facts(rows)] : [];
}

function runLink(id) {
  const button = element('button', `Show run ${id}`, { type: 'button' });
  button.addEventListener(
    'click',
    doing(async () => {
      byId('run-id').value = id;
      await showRuns(`/v1/runs/${encodeURIComponent(id)}`);
      show('runs');
    }),
  );
  return button;
}

function decisionsOf(one) {
  if (one.kind === 'approval') return ['approve', 'reject', 'cancel'];
  return one.action_id ? ['succeeded', 'failed', 'retry', 'done'] : ['done'];
}

function resolutionForm(one) {
  const reason = element('input', [], { id: 'reason', type: 'text', required: '', minlength: '3', maxlength: '500' });
  const buttons = decisionsOf(one).map((decision) => element('button', decision, { type: 'submit', value: decision }));
  const form = element('form', [element('label', 'Reason', { for: 'reason' }), reason, ...buttons]);
  form.addEventListener(
    'submit',
    doing(async (event) => {
      const body = { decision: event.submitter.value, reason: reason.value };
      await api('POST', `/v1/cases/${encodeURIComponent(one.case_id)}/resolution`, body);
      say(`Resolved: ${body.decision}.`);
      await loadCases(true);
      await showCase(one.case_id);
    }),
  );
  return form;
}

async function showRuns(path) {
  const { runs } = await api('GET', path);
  byId('run-list').replaceChildren(...(runs.length > 0 ? runs.map(runPart) : [element('p', 'No runs.')]));
}

function runPart(run) {
  const counts = Object.entries(run.counts).map(([name, count]) => `${count} ${name}`);
  const head = element(
    'tr',
    ['time', 'effect', 'tool', 'record', 'standing', 'action'].map((name) => element('th', name, { scope: 'col' })),
  );
  const rows = run.timeline.map((line) =>
    element(
      'tr',
      [
        line.at.slice(11, 19),
        line.effect,
        line.tool,
        line.record ?? '',
        [line.standing, line.code, line.decided_by && `decided by ${line.decided_by}`].filter(Boolean).join(', '),
        line.action_id ?? '',
      ].map((cell) => element('td', cell)),
    ),
  );
  return element('article', [
    element('h3', `${run.run_id} of ${run.principal}`),
    element(
      'p',
      `${when(run.from)} to ${when(run.to)}: ${run.calls} calls, ${run.actions} actions, ${counts.join(', ')}`,
    ),
    element('table', [element('thead', head), element('tbody', rows)]),
    element(
      'p',
      `Records affected: ${run.records.join(', ') || 'none'}. Notified: ${run.notified.join('; ') || 'nobody'}.`,
    ),
    ...(run.truncated ? [element('p', 'The run has more entries than are shown.')] : []),
  ]);
}

async function loadControl() {
  byId('control').textContent = JSON.stringify(await api('GET', '/v1/control'), null, 2);
}

async function changeSwitch(event) {
  const off = event.submitter.value === 'off';
  const what = byId('switch-what').value;
  const name = byId('switch-name').value.trim();
  const label = what === 'all' ? 'all writes' : `${what} ${name}`;
  if (!window.confirm(`Switch ${label} ${off ? 'off' : 'on'}?`)) return;
  const reason = byId('switch-reason').value;
  const control = await api('PUT', '/v1/control', { what, ...(name ? { name } : {}), off, reason });
  byId('control').textContent = JSON.stringify(control, null, 2);
  say(`${label} is switched ${off ? 'off' : 'on'}. It takes effect in every process within 3 seconds.`);
}

const load = {
  cases: () => loadCases(true),
  runs: async () => {},
  switches: loadControl,
  health: async () => {
    const [{ credentials }, health] = await Promise.all([api('GET', '/v1/credentials'), api('GET', '/v1/health')]);
    byId('credentials').replaceChildren(...credentials.map(credentialRow));
    byId('health-text').textContent = JSON.stringify(health, null, 2);
  },
};

for (const button of document.querySelectorAll('[data-view]')) {
  const { view } = button.dataset;
  button.addEventListener(
    'click',
    doing(async () => {
      await load[view]();
      show(view);
    }),
  );
}
byId('token-form').addEventListener(
  'submit',
  doing(async () => {
    const given = byId('token').value;
    byId('token').value = '';
    await signIn(given);
  }),
);
byId('login-form').addEventListener('submit', doing(login));
byId('sign-out').addEventListener('click', signOut);
byId('case-filter').addEventListener(
  'submit',
  doing(() => loadCases(true)),
);
byId('more-cases').addEventListener(
  'click',
  doing(() => loadCases(false)),
);
byId('run-form').addEventListener(
  'submit',
  doing(() => showRuns(`/v1/runs/${encodeURIComponent(byId('run-id').value.trim())}`)),
);
byId('workflow-form').addEventListener(
  'submit',
  doing(() => {
    const query = new URLSearchParams({ workflow: byId('workflow').value.trim(), period: byId('period').value.trim() });
    return showRuns(`/v1/runs?${query}`);
  }),
);
byId('switch-form').addEventListener('submit', doing(changeSwitch));

const known = await (await fetch('/console.json')).json();
issuer = known;
// Only this machine's own issuer has a password form; elsewhere people bring a token of their identity provider.
byId('login-form').hidden = new URL(known.issuer).hostname !== '127.0.0.1';

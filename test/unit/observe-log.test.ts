import { describe, expect, it } from 'vitest';
import { PlumblineError } from '../../shared/model/errors.ts';
import { jsonLog } from '../../shared/observe/json-log.ts';
import type { LogFields } from '../../shared/observe/log.ts';
import { childTrace, formatTraceparent, parseTraceparent } from '../../shared/observe/trace.ts';

function recorded() {
  const lines: string[] = [];
  const clock = { now: () => Date.parse('2026-11-02T10:00:00Z') };
  const log = jsonLog({ clock, write: (line) => lines.push(line), fields: { stage: 'test', function: 'agent-door' } });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') };
}

const shaped = ['pat', 'eu1', '12345678-1234-1234-1234-123456789012'].join('-');

describe('the log', () => {
  it('writes one line of JSON with time, level and the fields of the function', () => {
    const { log, lines, last } = recorded();
    log.info('Done\nwith two lines', { tool: 'deal_get', durationMs: 3 });
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('\n');
    expect(last()).toEqual({
      at: '2026-11-02T10:00:00.000Z',
      level: 'info',
      message: 'Done\nwith two lines',
      stage: 'test',
      function: 'agent-door',
      tool: 'deal_get',
      durationMs: 3,
    });
  });

  it('drops fields that are not allowed, also where the type was cast away', () => {
    const { log, last } = recorded();
    log.info('x', { email: 'a@b.example', tool: { nested: 1 } } as unknown as LogFields);
    expect(Object.keys(last()).sort()).toEqual(['at', 'function', 'level', 'message', 'stage']);
  });

  it('redacts text in the shape of a credential, in messages, fields and dimensions', () => {
    const { log, lines } = recorded();
    log.warn(`sent ${shaped}`, { reason: `Bearer ${'a1'.repeat(20)}` });
    log.metric('Calls', 1, 'Count', { system: shaped });
    log.error('x', {}, new PlumblineError(`failed with ${shaped}`, { code: 'internal', retry: 'never', hint: '' }));
    expect(lines.join('')).not.toContain('12345678-1234');
    expect(lines.join('')).not.toContain('a1a1a1');
  });

  it('names causes by class and code and never repeats their message', () => {
    const { log, last } = recorded();
    const cause = new PlumblineError('The store did not answer.', {
      code: 'store_unavailable',
      retry: 'after_check',
      hint: '',
      cause: new TypeError('row of a@b.example'),
    });
    log.error('Failed.', { code: 'store_unavailable' }, cause);
    expect(last().cause).toBe('store_unavailable: The store did not answer. <- TypeError');
  });

  it('records metrics in embedded metric format', () => {
    const { log, last } = recorded();
    log.metric('SystemCall', 12, 'Milliseconds', { system: 'hubspot', outcome: '2xx' });
    expect(last()).toEqual({
      stage: 'test',
      system: 'hubspot',
      outcome: '2xx',
      SystemCall: 12,
      _aws: {
        Timestamp: 1_793_613_600_000,
        CloudWatchMetrics: [
          {
            Namespace: 'Plumbline',
            Dimensions: [['system', 'outcome']],
            Metrics: [{ Name: 'SystemCall', Unit: 'Milliseconds' }],
          },
        ],
      },
    });
  });
});

describe('trace context', () => {
  const header = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  it('is read and written back the same', () => {
    const trace = parseTraceparent(header);
    expect(trace).toEqual({ traceId: '0af7651916cd43dd8448eb211c80319c', parentId: 'b7ad6b7169203331', sampled: true });
    expect(trace && formatTraceparent(trace)).toBe(header);
  });

  it.each([
    undefined,
    '',
    'x',
    `${header}-more`,
    header.replace('00-', 'ff-'),
    header.replace('0af7651916cd43dd8448eb211c80319c', '0'.repeat(32)),
    header.replace('b7ad6b7169203331', '0'.repeat(16)),
    header.toUpperCase(),
  ])('begins anew after %j', (bad) => {
    expect(parseTraceparent(bad)).toBeNull();
  });

  it('accepts a later version with more fields', () => {
    expect(parseTraceparent(`${header.replace('00-', '01-')}-more`)).not.toBeNull();
  });

  it('gives a child the same trace, another span and the same sampling', () => {
    const parent = parseTraceparent(header.replace(/01$/, '00'));
    const child = childTrace(parent, (count) => new Uint8Array(count).fill(7));
    expect(child).toEqual({ traceId: parent?.traceId, parentId: '07'.repeat(8), sampled: false });
  });

  it('never begins a trace that means none', () => {
    const trace = childTrace(null, (count) => new Uint8Array(count));
    expect(parseTraceparent(formatTraceparent(trace))).toEqual(trace);
  });
});

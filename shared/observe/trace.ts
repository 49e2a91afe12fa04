import type { Random } from '../model/clock.ts';

/** A W3C trace context: which trace a call belongs to, and the span that asked. */
export type TraceContext = { readonly traceId: string; readonly parentId: string; readonly sampled: boolean };

/**
 * Reads a `traceparent` header; null where it is missing or not well-formed: then a new trace begins.
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function parseTraceparent(header: string | undefined): TraceContext | null {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(header ?? '');
  if (!match) return null;
  const [, version = '', traceId = '', parentId = '', flags = '', rest] = match;
  // Version 00 has exactly four fields, ff is forbidden, later versions may append.
  if (version === 'ff' || (version === '00' && rest !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return null;
  return { traceId, parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** A new span: in the given trace, or in a new one that is sampled. */
export function childTrace(parent: TraceContext | null, random: Random): TraceContext {
  return {
    traceId: parent?.traceId ?? nonZeroHex(16, random),
    parentId: nonZeroHex(8, random),
    sampled: parent?.sampled ?? true,
  };
}

/** The `traceparent` header of a trace context. */
export function formatTraceparent(trace: TraceContext): string {
  return `00-${trace.traceId}-${trace.parentId}-${trace.sampled ? '01' : '00'}`;
}

function nonZeroHex(count: number, random: Random): string {
  const bytes = Uint8Array.from(random(count));
  // All zeros means "no trace" on the wire.
  if (bytes.every((byte) => byte === 0)) bytes[count - 1] = 1;
  return Buffer.from(bytes).toString('hex');
}

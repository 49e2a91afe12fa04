import { isObject, type Json, type JsonObject } from '../model/json.ts';
import type { HttpAnswer } from '../model/operation.ts';

/** The JSON object in an answer's body, or null where it is none. */
export function bodyOf(answer: Pick<HttpAnswer, 'bodyText'>): JsonObject | null {
  try {
    const value = JSON.parse(answer.bodyText) as Json;
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

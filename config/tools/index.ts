import type { Tool } from '../../shared/tools/define.ts';
import contactAppendNote from './contact_append_note.ts';
import contactFind from './contact_find.ts';
import contactGet from './contact_get.ts';
import contactUpsert from './contact_upsert.ts';
import dealCreate from './deal_create.ts';
import dealGet from './deal_get.ts';
import dealSearch from './deal_search.ts';
import dealUpdateStage from './deal_update_stage.ts';
import ticketAppendNote from './ticket_append_note.ts';
import ticketCreate from './ticket_create.ts';

/** The tools that are deployed. A tool that is not named here does not exist. */
export const tools: readonly Tool[] = [
  contactAppendNote,
  contactFind,
  contactGet,
  contactUpsert,
  dealCreate,
  dealGet,
  dealSearch,
  dealUpdateStage,
  ticketAppendNote,
  ticketCreate,
];

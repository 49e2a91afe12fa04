/** Deal properties that agents work with, and what they are called in answers. */
export const dealFields = {
  dealname: 'name',
  dealstage: 'stage',
  pipeline: 'pipeline',
  amount: 'amount',
  closedate: 'close_date',
} as const;

export const dealProperties = Object.keys(dealFields);

/** The stages of the pipeline that agents work in, open ones first, as HubSpot calls them. */
export const openStages = [
  'appointmentscheduled',
  'qualifiedtobuy',
  'presentationscheduled',
  'decisionmakerboughtin',
  'contractsent',
] as const;

export const stages = [...openStages, 'closedwon', 'closedlost'] as const;

/** From an open stage to any other; a closed deal is reopened by a person only. */
export const stageMoves: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  openStages.map((from) => [from, stages.filter((to) => to !== from)]),
);

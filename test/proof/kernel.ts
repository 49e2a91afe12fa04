/** The pure functions of the kernel that production runs and the proofs search; mutations replace some of their source. */
export { mayShare, mayWriteAll } from '../../shared/action/gather.ts';
export { providerKeyOf, sendUntilMs } from '../../shared/action/send-once.ts';
export { step } from '../../shared/action/step.ts';
export { approved, isOwnClaim, isOwnVerdict, openingMove } from '../../shared/action/step-claim.ts';
export { nextProof } from '../../shared/action/step-resolve.ts';
export { guardHolds, guardOf } from '../../shared/action/store.ts';

/** What every definition may say about itself; never part of what it computes. */
export interface MetadataInput {
  readonly description?: string;
  /** Who answers for it: an e-mail address or a team. */
  readonly owner?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

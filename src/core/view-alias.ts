/** Reads a view under other keys than its own, once per alias. */
export interface ViewAlias {
  readonly view: string;
  /** Put before every output name of the view, as it is: `origin_`. */
  readonly prefix: string;
  /** By join key, the column it is read from; keys that are not named keep their own. */
  readonly keys: Readonly<Record<string, string>>;
}

/**
 * The columns Tidemark adds to an offline file, beside join keys and features. Names that begin with two
 * underscores are refused in definitions, so nothing of a user's can collide.
 */
export const EVENT_TIME = '__event_time';
export const CREATED_TIME = '__created_time';
/** The tick at the end of the interval that a row belongs to: says which rows count after a partial restatement. */
export const INTERVAL_END = '__interval_end';
/** Until when a row is true (exclusive), null without end: only in files of views whose source says so. */
export const VALID_TO = '__valid_to';

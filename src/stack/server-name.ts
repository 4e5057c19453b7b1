/** A server of the embedded stack, as its log, its entry in the state file and its data are named. */
export type ServerName = 'postgres' | 'redis' | 'temporal';

import { accessSync, constants, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';

const ROOT = '/sys/fs/cgroup/cpu';
const PERIOD_MICROS = 20_000;

/** Whether this is a Linux with control groups (version 1) in which groups can be made. */
export function canLimitCpu(): boolean {
  try {
    accessSync(`${ROOT}/cgroup.procs`, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Holds a process to a share of one core, so that several can be seen to add up on a machine of few cores. What is
 * returned takes the limit away, once the process has ended.
 */
export function limitCpu(pid: number, share: number): () => void {
  const group = `${ROOT}/tidemark-bench-${pid}`;
  mkdirSync(group);
  writeFileSync(`${group}/cpu.cfs_period_us`, String(PERIOD_MICROS));
  writeFileSync(`${group}/cpu.cfs_quota_us`, String(Math.round(PERIOD_MICROS * share)));
  writeFileSync(`${group}/cgroup.procs`, String(pid));
  return () => rmdirSync(group);
}

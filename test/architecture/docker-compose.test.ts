import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { readConfig } from '../../src/config.ts';

const ROOT = join(import.meta.dirname, '../..');

const Service = z.object({
  image: z.string(),
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  restart: z.string(),
  environment: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
});

const compose = z
  .object({ services: z.record(z.string(), Service), volumes: z.record(z.string(), z.null()) })
  .parse(parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }));

const services = Object.entries(compose.services);

/** As docker compose fills in `${NAME:-default}` when nothing is set. */
function interpolated(environment: Record<string, string | number>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      String(value).replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1'),
    ]),
  );
}

test('the containers are Temporal with its own Postgres and UI, Redis, Postgres, apply, worker and server', () => {
  expect(Object.keys(compose.services).toSorted()).toEqual(
    [
      'apply',
      'postgres',
      'redis',
      'server',
      'temporal',
      'temporal-postgres',
      'temporal-ui',
      'worker',
    ].toSorted(),
  );
  expect(compose.services.temporal?.environment).toMatchObject({ POSTGRES_SEEDS: 'temporal-postgres' });
  expect(compose.services.redis?.image).toMatch(/^redis:7/);
});

test('every image has a fixed tag, and every port is open on this machine only', () => {
  for (const [name, { image, ports }] of services) {
    expect(image, name).toMatch(/^[a-z/-]+:(\d[\w.-]*|local)$/);
    for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  }
});

test('a service waits only for services that exist, and can say that they are healthy or end', () => {
  for (const [name, { depends_on }] of services) {
    for (const [needed, { condition }] of Object.entries(depends_on)) {
      const ends = compose.services[needed]?.restart === 'no';
      expect(condition, name).toBe(ends ? 'service_completed_successfully' : 'service_healthy');
      expect(compose.services[needed]?.healthcheck !== undefined || ends, `${name} -> ${needed}`).toBe(true);
    }
  }
});

test('every volume that is mounted is declared, and every declared one is mounted', () => {
  const mounted = services
    .flatMap(([, { volumes }]) => volumes)
    .filter((volume) => !volume.startsWith('${'))
    .map((volume) => volume.split(':')[0]);
  expect([...new Set(mounted)].toSorted()).toEqual(Object.keys(compose.volumes).toSorted());
});

test.each(['apply', 'worker', 'server'])(
  'the environment of the %s is a valid config that names its containers',
  (name) => {
    const config = readConfig(interpolated(compose.services[name]?.environment ?? {}), '/app');
    expect(config.home).toBe('/data');
    const hosts = [config.databaseUrl, config.redisUrl, `temporal://${config.temporalAddress}`].map(
      (address) => new URL(address ?? '').hostname,
    );
    for (const host of hosts) expect(Object.keys(compose.services)).toContain(host);
  },
);

test.each(['apply', 'worker', 'server'])(
  'the feature repository of the %s is mounted from a folder that has to be named',
  (name) => {
    const service = compose.services[name];
    const { repo } = readConfig(interpolated(service?.environment ?? {}), '/app');
    const named = /^\$\{TIDEMARK_REPO:\?name the folder .*\}:(.+):ro$/;
    expect(service?.volumes.flatMap((volume) => named.exec(volume)?.[1] ?? [])).toEqual([repo]);
  },
);

test('the image is built from files that exist, and its entry point is executable', () => {
  const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
  const copied = [...dockerfile.matchAll(/^COPY (.+) \S+$/gm)].flatMap(
    ([, files]) => files?.split(' ') ?? [],
  );
  expect(copied.length).toBeGreaterThan(5);
  for (const file of copied) expect(existsSync(join(ROOT, file)), file).toBe(true);
  expect(dockerfile).toMatch(/^FROM node:24-slim$/m);
  expect(dockerfile).toContain('ENTRYPOINT ["bin/tidemark"]');
  expect(dockerfile).toContain(`EXPOSE ${readConfig({}).port}\n`);
});

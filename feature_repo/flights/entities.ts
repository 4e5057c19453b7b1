import { entity, project } from '../../src/index.ts';

export const flights = project({
  name: 'flights',
  description: 'Departure delays of the three New York airports, replayed as if they happened today',
  owner: 'flights@example.com',
});

export const carrier = entity({
  name: 'carrier',
  joinKeys: { carrier: 'string' },
  description: 'An airline, by its two-letter code',
});

export const plane = entity({
  name: 'plane',
  joinKeys: { tailnum: 'string' },
  description: 'An aircraft, by its tail number',
});

/** A composite key: both ends of the flight. */
export const route = entity({
  name: 'route',
  joinKeys: { origin: 'string', dest: 'string' },
  description: 'From one airport to another',
});

export const airport = entity({
  name: 'airport',
  joinKeys: { origin: 'string' },
  description: 'An airport that flights leave from, by its FAA code',
});
